import assert from 'node:assert/strict';
import { test } from 'node:test';
import { change, dollars } from './money.js';

test('prices are shown in dollars with two decimals', () => {
  for (const [cents, want] of [[0, '0.00'], [5, '0.05'], [2200, '22.00'], [146925, '1,469.25'], [123456789, '1,234,567.89'],
    [100000, '1,000.00'], [Number.MAX_SAFE_INTEGER, '90,071,992,547,409.91'], [-250, '−2.50']]) {
    assert.equal(dollars(cents), want);
  }
});

test('a change has an arrow, a sign and a percentage', () => {
  assert.deepEqual(change(2200, 2210), { direction: 'up', arrow: '▲', amount: '+0.10', percent: '+0.45%', ratio: 10 / 2200 });
  assert.deepEqual(change(2200, 2100), { direction: 'down', arrow: '▼', amount: '−1.00', percent: '−4.55%', ratio: -100 / 2200 });
  assert.deepEqual(change(2200, 2200), { direction: 'same', arrow: '', amount: '0.00', percent: '0.00%', ratio: 0 });
  assert.equal(change(0, 100).percent, '–');
});
