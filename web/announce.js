// What a screen reader says: the largest moves, at most once in a while, and nothing at all if that is switched off.

import { change, dollars } from './money.js';

/** The shortest time between two announcements of prices. */
export const PAUSE = 15_000;

/** The most rows in one announcement. */
const MOST = 3;

export class Announcer {
  #say;
  #prices = new Map(); // by ticker: the price that was last said, or first seen
  #moved = new Map();
  #timer = undefined;
  #enabled = true;

  /** @param {(text: string) => void} say */
  constructor(say) {
    this.#say = say;
  }

  /** @param {boolean} on */
  set enabled(on) {
    this.#enabled = on;
    this.reset();
    if (!on) this.#say('');
  }

  /** Forgets what has moved, as for another user. */
  reset() {
    this.#prices.clear();
    this.#moved.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Says a sentence at once. It is for what happens rarely, such as a lost connection. */
  now(text) {
    if (this.#enabled) this.#say(text);
  }

  /** Notes rows that have moved, to be said when it is time. @param {import('./quotes.js').Row[]} rows */
  moved(rows) {
    if (!this.#enabled) return;
    for (const row of rows) {
      if (!this.#prices.has(row.ticker)) this.#prices.set(row.ticker, row.price);
      else this.#moved.set(row.ticker, row.price);
    }
    if (this.#moved.size > 0) this.#timer ??= setTimeout(() => this.#summarise(), PAUSE);
  }

  #summarise() {
    this.#timer = undefined;
    const all = [...this.#moved].map(([ticker, price]) => ({ ticker, price, change: change(this.#prices.get(ticker), price) }));
    const largest = all
      .filter((one) => one.change.direction !== 'same')
      .sort((a, b) => Math.abs(b.change.ratio) - Math.abs(a.change.ratio))
      .slice(0, MOST);
    this.#moved.clear();
    if (largest.length === 0) return;
    for (const { ticker, price } of all) this.#prices.set(ticker, price);
    this.#say(largest.map(({ ticker, price, change: c }) => `${ticker} ${c.direction} ${c.percent.slice(1)} to ${dollars(price)}`).join(', '));
  }
}
