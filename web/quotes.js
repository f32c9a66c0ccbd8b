// The model of the page: what is watched, what it costs now, and how it came to that.

/** The most points that a row remembers of its prices. */
const MOST_POINTS = 240;

/**
 * @typedef {object} Row
 * @property {string} ticker
 * @property {number} price cents
 * @property {number} first the first price that this page saw, in cents
 * @property {'up'|'down'|'same'} moved the last move
 * @property {{at: number, price: number}[]} history the oldest first
 */

export class Quotes {
  /** @type {Map<string, Row>} */
  rows = new Map();

  /** What the user watches, as last told; null before that. @type {Set<string>|null} */
  #watched = null;

  /** Whether the first answer has come. An empty list is an answer too. */
  known = false;

  /** Forgets everything, as for another user. */
  reset() {
    this.rows.clear();
    this.#watched = null;
    this.known = false;
  }

  /** Forgets the list of what is watched, but no row: after a new connection the list may be another. */
  rejoin() {
    this.#watched = null;
  }

  /**
   * Takes over quotes and returns the rows that are new or have moved. A quote of a ticker that is not on the list of
   * what is watched came late, after the ticker was removed.
   * @param {{ticker: string, price: number}[]} quotes
   * @param {number} now milliseconds
   * @returns {Row[]}
   */
  quote(quotes, now) {
    this.known = true;
    const touched = [];
    for (const { ticker, price } of quotes) {
      if (typeof ticker !== 'string' || !Number.isSafeInteger(price)) continue;
      if (this.#watched && !this.#watched.has(ticker)) continue;
      const row = this.rows.get(ticker);
      if (!row) {
        const fresh = { ticker, price, first: price, moved: /** @type {'same'} */ ('same'), history: [{ at: now, price }] };
        this.rows.set(ticker, fresh);
        touched.push(fresh);
      } else if (price !== row.price) {
        row.moved = price > row.price ? 'up' : 'down';
        row.price = price;
        remember(row.history, { at: now, price });
        touched.push(row);
      }
    }
    return touched;
  }

  /**
   * Takes over the list of what is watched and returns the tickers whose rows went away.
   * @param {string[]} tickers
   * @returns {string[]}
   */
  watch(tickers) {
    const watched = new Set(tickers);
    this.#watched = watched;
    const gone = [...this.rows.keys()].filter((ticker) => !watched.has(ticker));
    for (const ticker of gone) this.rows.delete(ticker);
    return gone;
  }
}

/**
 * Adds a point. When there are too many, every second one goes, the first and the last excepted: so the whole time since
 * the first price stays, ever more coarsely.
 * @param {{at: number, price: number}[]} history
 * @param {{at: number, price: number}} point
 */
function remember(history, point) {
  if (history.length >= MOST_POINTS) {
    const kept = history.filter((_, i) => i % 2 === 0);
    history.splice(0, history.length, ...kept);
  }
  history.push(point);
}
