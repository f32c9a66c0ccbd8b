import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shape } from './chart.js';

test('the line goes through the prices in time, from edge to edge', () => {
  const { line, base } = shape([{ at: 0, price: 1000 }, { at: 50, price: 2000 }], 100);
  assert.equal(line, 'M0,26L60,2L120,2');
  assert.equal(base, 26);
});

test('a price that has not moved is a flat line in the middle', () => {
  assert.equal(shape([{ at: 5, price: 2200 }], 5).line, 'M0,14L120,14');
});

test('a move that is hardly one is not drawn in full height', () => {
  const { line } = shape([{ at: 0, price: 100_000 }, { at: 1, price: 100_001 }], 1);
  for (const [, y] of line.matchAll(/,([\d.]+)/g)) assert.ok(Math.abs(y - 14) < 1, line);
});
