// A small chart of one row: its price over the time since the page first saw it, and a line at the first price.

const WIDTH = 120;
const HEIGHT = 28;
const MARGIN = 2;

/**
 * @param {{at: number, price: number}[]} history the oldest first, at least one
 * @param {number} now milliseconds; the chart ends here
 * @returns {{line: string, area: string, base: number}} two SVG paths, and the height of the first price
 */
export function shape(history, now) {
  const start = history[0].at;
  const span = Math.max(now - start, 1);
  let low = Infinity;
  let high = -Infinity;
  for (const { price } of history) {
    low = Math.min(low, price);
    high = Math.max(high, price);
  }
  // Prices that hardly move are drawn as a flat line, not as noise in full height.
  const range = Math.max(high - low, high * 0.001, 1);
  const middle = (high + low) / 2;
  const x = (at) => round(((at - start) / span) * WIDTH);
  const y = (price) => round(HEIGHT / 2 - ((price - middle) / range) * (HEIGHT - 2 * MARGIN));
  const points = history.map(({ at, price }) => `${x(at)},${y(price)}`);
  points.push(`${WIDTH},${y(history.at(-1).price)}`);
  const base = y(history[0].price);
  return { line: `M${points.join('L')}`, area: `M0,${base}L${points.join('L')}L${WIDTH},${base}Z`, base };
}

/**
 * Draws a row's chart.
 * @param {SVGSVGElement} svg has the paths .area and .line and the line .base
 * @param {{at: number, price: number}[]} history
 * @param {number} now
 */
export function draw(svg, history, now) {
  const { line, area, base } = shape(history, now);
  svg.querySelector('.line').setAttribute('d', line);
  svg.querySelector('.area').setAttribute('d', area);
  const first = svg.querySelector('.base');
  first.setAttribute('y1', String(base));
  first.setAttribute('y2', String(base));
}

function round(n) {
  return Math.round(n * 10) / 10;
}
