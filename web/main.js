// Puts the page together: the socket feeds the model, the model is drawn, what a person does goes back by the socket.

import { Announcer } from './announce.js';
import { change } from './money.js';
import { Quotes } from './quotes.js';
import { QuoteSocket } from './socket.js';
import { QuoteTable } from './table.js';
import { hashFor, userIn } from './user.js';

const $ = (id) => document.getElementById(id);
const quotes = new Quotes();
const table = new QuoteTable($('quotes'), $('row'), remove);
const announcer = new Announcer((text) => { $('announcement').textContent = text; });

let user = userIn(location);
let users = [];
let rejoining = false; // there are rows of an earlier connection that may not be watched any more
/** @type {QuoteSocket} */
let socket;

const receive = {
  quotes(message) {
    const touched = quotes.quote(message.quotes, Date.now());
    table.update(touched);
    announcer.moved(touched);
    if (rejoining) {
      rejoining = false;
      socket.send({ action: 'watches' });
    }
    summarise();
  },
  watches(message) {
    table.remove(quotes.watch(message.tickers));
    table.staying();
    notice('');
    summarise();
  },
  users(message) {
    users = message.users;
    showUsers();
    summarise();
  },
  error(message) {
    table.staying();
    notice(message.message);
    summarise();
  },
};

function onMessage(message) {
  if (Object.hasOwn(receive, message?.action)) receive[message.action](message);
  else if (typeof message?.message === 'string') notice(`The service did not answer: ${message.message}.`);
}

// The connection.

let countdown;

function onState(state) {
  clearInterval(countdown);
  const box = $('connection');
  if (box.dataset.state !== state.name) announcer.now({ live: 'Prices are live', stale: 'Prices may be stale', reconnecting: 'Connection lost' }[state.name] ?? '');
  box.dataset.state = state.name;
  document.body.toggleAttribute('data-stale', state.name === 'stale' || state.name === 'reconnecting');
  $('retry').hidden = !(state.name === 'reconnecting' && state.retryAt);
  if (state.name === 'live') {
    notice('');
    if (users.length === 0 && user) socket.send({ action: 'users' });
  } else if (state.name === 'reconnecting') {
    quotes.rejoin();
    rejoining = quotes.known;
  }
  showState(state);
  if (state.name === 'reconnecting') countdown = setInterval(() => showState(state), 250);
  enable(state.name === 'live');
  summarise();
}

function showState({ name, since, retryAt }) {
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  const stale = since ? `stale since ${clock(since)}` : 'no price yet';
  $('connection-text').textContent = {
    connecting: 'Connecting',
    live: 'Live',
    stale: `Stale since ${clock(since)}`,
    reconnecting: retryAt && seconds ? `Reconnecting in ${seconds} s · ${stale}` : `Reconnecting · ${stale}`,
  }[name];
}

function enable(live) {
  for (const element of $('add').elements) element.disabled = !(live && user);
}

// What a person does.

function remove(ticker) {
  if (socket.send({ action: 'unwatch', ticker })) table.leaving(ticker);
  else notice('Not connected: nothing can be removed until prices are live again.');
}

$('add').addEventListener('submit', (event) => {
  event.preventDefault();
  const ticker = $('ticker').value.trim().toUpperCase();
  if (!ticker) return;
  notice('');
  if (quotes.rows.has(ticker)) notice(`${ticker} is on the list already.`);
  else if (socket.send({ action: 'watch', ticker })) $('ticker').value = '';
});

$('user').addEventListener('change', () => { location.hash = hashFor($('user').value); });

window.addEventListener('hashchange', () => {
  if (userIn(location) !== user) choose(userIn(location));
});

function choose(id) {
  user = id;
  quotes.reset();
  table.clear();
  announcer.reset();
  rejoining = false;
  notice('');
  showUsers();
  socket.open(user);
}

document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select')) return;
  event.preventDefault();
  $('ticker').focus();
});

$('retry').addEventListener('click', () => socket.retry());
window.addEventListener('online', () => socket?.retry());
window.addEventListener('offline', () => socket?.lost());

const announce = $('announce');
announce.checked = localStorage.getItem('announce') !== 'off';
announcer.enabled = announce.checked;
announce.addEventListener('change', () => {
  localStorage.setItem('announce', announce.checked ? 'on' : 'off');
  announcer.enabled = announce.checked;
});

// What is shown.

function showUsers() {
  const list = !user || users.includes(user) ? users : [user, ...users];
  $('user').replaceChildren(new Option('Choose…', ''), ...list.map((id) => new Option(id, id)));
  $('user').value = user;
  $('user').disabled = list.length === 0;
  $('desk').dataset.user = user;
  document.title = user ? `${user} · Quotewire` : 'Quotewire';
}

function notice(text) {
  $('notice').textContent = text;
  $('notice').hidden = !text;
}

function summarise() {
  const rows = [...quotes.rows.values()];
  const directions = rows.map((row) => change(row.first, row.price).direction);
  $('count').textContent = String(rows.length);
  $('count-up').textContent = String(directions.filter((d) => d === 'up').length);
  $('count-down').textContent = String(directions.filter((d) => d === 'down').length);
  const last = Math.max(...rows.map((row) => row.history.at(-1).at));
  $('last').textContent = rows.length ? clock(last) : '–';
  $('quotes').hidden = $('summary').hidden = rows.length === 0;
  $('empty').hidden = rows.length > 0;
  $('empty').textContent = emptyText();
}

function emptyText() {
  if (!socket || socket.state.name === 'connecting') return 'Connecting…';
  if (!user) return 'Choose a user to see what they watch.';
  if (quotes.known) return `${user} watches nothing yet. Add a ticker, such as EIQQ.`;
  return $('notice').hidden ? 'Waiting for the first quotes…' : `No quotes for ${user}.`;
}

function clock(at) {
  return new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
}

// It begins.

try {
  const response = await fetch('config.json');
  if (!response.ok) throw new Error(`config.json: ${response.status}`);
  const { watch } = await response.json();
  socket = new QuoteSocket(watch, { onMessage, onState });
  showUsers();
  socket.open(user);
} catch (error) {
  console.error(error);
  $('connection').dataset.state = 'failed';
  $('connection-text').textContent = 'Not connected';
  $('empty').textContent = 'The page could not learn where prices come from. Is Quotewire running? Reload to try again.';
}
