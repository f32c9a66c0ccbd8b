// How prices are shown. A price is a whole number of cents until it gets here.

/** The sign before a loss; the hyphen is too short to be seen. */
const MINUS = '\u2212';

/**
 * @param {number} cents
 * @returns {string} dollars with two decimals, such as 1,469.25
 */
export function dollars(cents) {
  const whole = Math.floor(Math.abs(cents) / 100);
  const rest = String(Math.abs(cents) % 100).padStart(2, '0');
  const grouped = String(whole).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${cents < 0 ? MINUS : ''}${grouped}.${rest}`;
}

/**
 * @typedef {object} Change
 * @property {'up'|'down'|'same'} direction
 * @property {string} arrow   ▲, ▼ or nothing
 * @property {string} amount  signed dollars, such as +0.12
 * @property {string} percent signed percent, such as −1.20%; a dash where the first price was zero
 * @property {number} ratio   the change as a part of the first price
 */

/**
 * @param {number} first the price to compare with, in cents
 * @param {number} now   the price, in cents
 * @returns {Change}
 */
export function change(first, now) {
  const cents = now - first;
  const direction = cents > 0 ? 'up' : cents < 0 ? 'down' : 'same';
  const sign = { up: '+', down: MINUS, same: '' }[direction];
  const ratio = first === 0 ? 0 : cents / first;
  return {
    direction,
    arrow: { up: '▲', down: '▼', same: '' }[direction],
    amount: sign + dollars(Math.abs(cents)),
    percent: first === 0 ? '–' : `${sign}${Math.abs(ratio * 100).toFixed(2)}%`,
    ratio,
  };
}
