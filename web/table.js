// The table of quotes. Rows are made once and updated in place, once per animation frame, with the newest price.

import { draw } from './chart.js';
import { change, dollars } from './money.js';

/** What the rows can be ordered by. */
const ORDERS = {
  ticker: (a, b) => (a.ticker < b.ticker ? -1 : 1),
  price: (a, b) => b.price - a.price || ORDERS.ticker(a, b),
  change: (a, b) => change(b.first, b.price).ratio - change(a.first, a.price).ratio || ORDERS.ticker(a, b),
};

export class QuoteTable {
  #body;
  #template;
  #rows = new Map(); // by ticker: the row's elements
  #dirty = new Map(); // by ticker: the row of the model that must be drawn
  #frame = 0;
  #order = 'ticker';
  #still = matchMedia('(prefers-reduced-motion: reduce)');

  /**
   * @param {HTMLTableElement} table
   * @param {HTMLTemplateElement} template one row
   * @param {(ticker: string) => void} onRemove
   */
  constructor(table, template, onRemove) {
    this.#body = table.tBodies[0];
    this.#template = template;
    this.#body.addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (button) onRemove(button.closest('tr').dataset.ticker);
    });
    this.#body.addEventListener('keydown', (event) => this.#key(event, onRemove));
    table.tHead.addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (button) this.#sort(table, button.dataset.order);
    });
  }

  /** Draws rows of the model in the next frame. @param {Iterable<import('./quotes.js').Row>} rows */
  update(rows) {
    for (const row of rows) this.#dirty.set(row.ticker, row);
    if (this.#dirty.size > 0 && !this.#frame) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** Removes rows at once. The focus, if it is in one of them, goes to a neighbour. @param {string[]} tickers */
  remove(tickers) {
    for (const ticker of tickers) {
      this.#dirty.delete(ticker);
      const parts = this.#rows.get(ticker);
      if (!parts) continue;
      if (parts.row.contains(document.activeElement)) {
        (parts.row.nextElementSibling ?? parts.row.previousElementSibling)?.querySelector('button').focus();
      }
      parts.row.remove();
      this.#rows.delete(ticker);
    }
  }

  /** Shows that a row's removal has been asked for. @param {string} ticker */
  leaving(ticker) {
    this.#rows.get(ticker)?.row.toggleAttribute('data-leaving', true);
  }

  /** Takes that back for all rows, when the answer may have been lost. */
  staying() {
    for (const { row } of this.#rows.values()) row.removeAttribute('data-leaving');
  }

  clear() {
    this.remove([...this.#rows.keys()]);
  }

  #draw() {
    this.#frame = 0;
    const now = Date.now();
    for (const [ticker, model] of this.#dirty) {
      const known = this.#rows.get(ticker);
      const parts = known ?? this.#add(model);
      const c = change(model.first, model.price);
      const moved = known && parts.row.dataset.price !== String(model.price);
      parts.model = model;
      parts.row.dataset.price = String(model.price);
      parts.row.dataset.direction = c.direction;
      parts.price.textContent = dollars(model.price);
      parts.arrow.textContent = c.arrow;
      parts.amount.textContent = c.amount;
      parts.percent.textContent = c.percent;
      draw(parts.chart, model.history, now);
      if (moved) this.#flash(parts.price, model.moved);
    }
    this.#dirty.clear();
  }

  #add(model) {
    const row = this.#template.content.firstElementChild.cloneNode(true);
    const part = (name) => row.querySelector(`.${name}`);
    row.dataset.ticker = model.ticker;
    part('ticker').textContent = model.ticker;
    row.querySelector('button').setAttribute('aria-label', `Remove ${model.ticker}`);
    const parts = {
      row, model, price: part('amount-now'), arrow: part('arrow'), amount: part('amount'), percent: part('percent'), chart: part('chart'),
    };
    this.#rows.set(model.ticker, parts);
    const after = [...this.#body.rows].find((other) => ORDERS[this.#order](model, this.#rows.get(other.dataset.ticker).model) < 0);
    this.#body.insertBefore(row, after ?? null);
    return parts;
  }

  #flash(cell, direction) {
    if (this.#still.matches) return;
    const colour = getComputedStyle(cell).getPropertyValue(direction === 'up' ? '--up-flash' : '--down-flash');
    for (const running of cell.getAnimations()) running.cancel();
    cell.animate([{ backgroundColor: colour }, { backgroundColor: 'transparent' }], { duration: 900, easing: 'ease-out' });
  }

  /** Orders the rows once. They do not jump about while prices move: choosing the order again orders them anew. */
  #sort(table, order) {
    this.#order = order;
    for (const head of table.tHead.rows[0].cells) {
      const by = head.querySelector('button')?.dataset.order;
      if (by === order) head.setAttribute('aria-sort', order === 'ticker' ? 'ascending' : 'descending');
      else head.removeAttribute('aria-sort');
    }
    const sorted = [...this.#rows.values()].sort((a, b) => ORDERS[order](a.model, b.model));
    this.#body.append(...sorted.map(({ row }) => row));
  }

  /** The arrow keys go from row to row, Delete removes the row. */
  #key(event, onRemove) {
    const row = event.target.closest('tr');
    const to = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling }[event.key];
    if (to) {
      event.preventDefault();
      to.querySelector('button').focus();
    } else if (event.key === 'Delete' && row) {
      onRemove(row.dataset.ticker);
    }
  }
}
