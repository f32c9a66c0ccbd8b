import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { Announcer, PAUSE } from './announce.js';

let said;
let announcer;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
  said = [];
  announcer = new Announcer((text) => said.push(text));
});

const moved = (prices) => announcer.moved(Object.entries(prices).map(([ticker, price]) => ({ ticker, price })));

test('the largest moves are said together, once in a while', () => {
  moved({ A: 1000, B: 1000, C: 1000, D: 1000 });
  for (let i = 1; i <= 100; i++) moved({ A: 1000 + i, B: 1000 - 2 * i, C: 1000 + 3 * i, D: 1001 });
  assert.deepEqual(said, []);
  mock.timers.tick(PAUSE);
  assert.deepEqual(said, ['C up 30.00% to 13.00, B down 20.00% to 8.00, A up 10.00% to 11.00']);
  mock.timers.tick(10 * PAUSE);
  assert.equal(said.length, 1, 'nothing has moved since');
});

test('it can be switched off', () => {
  moved({ A: 1000 });
  moved({ A: 1100 });
  announcer.enabled = false;
  moved({ A: 1200 });
  announcer.now('Connection lost');
  mock.timers.tick(PAUSE);
  assert.deepEqual(said, ['']);
});
