import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashFor, userIn } from './user.js';

test('the user stands in the address', () => {
  assert.equal(userIn(new URL('http://h/#user=user003')), 'user003');
  assert.equal(userIn(new URL('http://h/?user=user004')), 'user004');
  assert.equal(userIn(new URL('http://h/?user=user004#user=user003')), 'user003');
  assert.equal(userIn(new URL('http://h/')), '');
});

test('any id survives the way through the address', () => {
  for (const id of ['user003', 'a&b=c#d', 'é']) assert.equal(userIn(new URL(`http://h/${hashFor(id)}`)), id);
});
