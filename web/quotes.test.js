import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Quotes } from './quotes.js';

const tickers = (rows) => rows.map((row) => row.ticker);

test('the first quote of a ticker is what changes are measured from', () => {
  const quotes = new Quotes();
  quotes.quote([{ ticker: 'EIQQ', price: 2200 }], 1);
  assert.equal(quotes.known, true);
  quotes.quote([{ ticker: 'EIQQ', price: 2210 }], 2);
  quotes.quote([{ ticker: 'EIQQ', price: 2205 }], 3);
  const row = quotes.rows.get('EIQQ');
  assert.deepEqual([row.first, row.price, row.moved], [2200, 2205, 'down']);
  assert.deepEqual(row.history, [{ at: 1, price: 2200 }, { at: 2, price: 2210 }, { at: 3, price: 2205 }]);
});

test('only rows that are new or have moved are told', () => {
  const quotes = new Quotes();
  assert.deepEqual(tickers(quotes.quote([{ ticker: 'A', price: 1 }, { ticker: 'B', price: 1 }], 1)), ['A', 'B']);
  assert.deepEqual(tickers(quotes.quote([{ ticker: 'A', price: 1 }, { ticker: 'B', price: 2 }], 2)), ['B']);
});

test('a late quote of a removed ticker is not shown', () => {
  const quotes = new Quotes();
  quotes.quote([{ ticker: 'A', price: 1 }, { ticker: 'B', price: 1 }], 1);
  assert.deepEqual(quotes.watch(['A']), ['B']);
  assert.deepEqual(quotes.quote([{ ticker: 'B', price: 2 }], 2), []);
  quotes.watch(['A', 'B']);
  assert.deepEqual(tickers(quotes.quote([{ ticker: 'B', price: 3 }], 3)), ['B']);
});

test('after a new connection any quote is shown until the list comes, and rows keep their first price', () => {
  const quotes = new Quotes();
  quotes.quote([{ ticker: 'A', price: 1 }], 1);
  quotes.watch(['A']);
  quotes.rejoin();
  assert.deepEqual(tickers(quotes.quote([{ ticker: 'A', price: 2 }, { ticker: 'C', price: 1 }], 2)), ['A', 'C']);
  assert.equal(quotes.rows.get('A').first, 1);
});

test('what is no quote is ignored', () => {
  const quotes = new Quotes();
  assert.deepEqual(quotes.quote([{ ticker: 7, price: 1 }, { ticker: 'A', price: '1' }, { ticker: 'B', price: 1.5 }], 1), []);
});

test('a long history keeps its ends and stays short', () => {
  const quotes = new Quotes();
  for (let i = 0; i < 10_000; i++) quotes.quote([{ ticker: 'A', price: i }], i);
  const { history } = quotes.rows.get('A');
  assert.ok(history.length <= 240 && history.length >= 120, `${history.length} points`);
  assert.equal(history[0].at, 0);
  assert.equal(history.at(-1).at, 9999);
  assert.ok(history.every((point, i) => i === 0 || point.at > history[i - 1].at));
});

test('another user starts with nothing', () => {
  const quotes = new Quotes();
  quotes.quote([{ ticker: 'A', price: 1 }], 1);
  quotes.watch(['A']);
  quotes.reset();
  assert.equal(quotes.known, false);
  assert.deepEqual(tickers(quotes.quote([{ ticker: 'B', price: 1 }], 2)), ['B']);
});
