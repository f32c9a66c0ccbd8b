import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { PATIENCE, QUIET, QuoteSocket } from './socket.js';

/** A WebSocket whose other end is the test. */
class FakeWebSocket {
  static all = [];
  readyState = 0;
  sent = [];
  closed = false;

  constructor(url) {
    this.url = url;
    FakeWebSocket.all.push(this);
  }

  static get last() {
    return FakeWebSocket.all.at(-1);
  }

  accept() {
    this.readyState = 1;
    this.onopen?.();
  }

  say(message) {
    this.onmessage?.({ data: typeof message === 'string' ? message : JSON.stringify(message) });
  }

  drop() {
    this.readyState = 3;
    this.onclose?.();
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
    this.closed = true;
  }
}

let states;
let messages;

function start(user = 'user003') {
  const socket = new QuoteSocket('ws://h/development', {
    WebSocket: FakeWebSocket, random: () => 1,
    onState: (state) => states.push(state.name),
    onMessage: (message) => messages.push(message),
  });
  socket.open(user);
  return socket;
}

const quotes = { action: 'quotes', quotes: [] };

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  FakeWebSocket.all = [];
  states = [];
  messages = [];
});

test('it says who it is and is live with the first answer', () => {
  const socket = start();
  FakeWebSocket.last.accept();
  assert.deepEqual(FakeWebSocket.last.sent, [{ action: 'user', id: 'user003' }]);
  assert.deepEqual(states, ['connecting']);
  FakeWebSocket.last.say(quotes);
  assert.deepEqual(states, ['connecting', 'live']);
  assert.deepEqual(messages, [quotes]);
  assert.equal(socket.state.since, 1_000_000);
});

test('without a user it asks who can be chosen', () => {
  start('');
  FakeWebSocket.last.accept();
  assert.deepEqual(FakeWebSocket.last.sent, [{ action: 'users' }]);
});

test('an error of the gateway is passed on but is no sign of life', () => {
  start();
  FakeWebSocket.last.accept();
  FakeWebSocket.last.say({ message: 'Internal server error', connectionId: 'a', requestId: 'b' });
  FakeWebSocket.last.say('not JSON');
  assert.deepEqual(states, ['connecting']);
  assert.equal(messages.length, 1);
});

test('it connects again after pauses that grow to half a minute, and identifies again', () => {
  const socket = start();
  const pauses = [];
  for (let i = 0; i < 9; i++) {
    FakeWebSocket.last.drop();
    const pause = socket.state.retryAt - Date.now();
    pauses.push(pause);
    const before = FakeWebSocket.all.length;
    mock.timers.tick(pause - 1);
    assert.equal(FakeWebSocket.all.length, before, 'too early');
    mock.timers.tick(1);
    assert.equal(FakeWebSocket.all.length, before + 1, 'not in time');
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  FakeWebSocket.last.accept();
  assert.deepEqual(FakeWebSocket.last.sent, [{ action: 'user', id: 'user003' }]);
  FakeWebSocket.last.say(quotes);
  assert.equal(socket.state.name, 'live');
  FakeWebSocket.last.drop();
  assert.equal(socket.state.retryAt - Date.now(), 500, 'an answer makes the pauses short again');
});

test('the pause has chance in it', () => {
  const socket = new QuoteSocket('ws://h', { WebSocket: FakeWebSocket, random: () => 0, onState() {}, onMessage() {} });
  socket.open('u');
  FakeWebSocket.last.drop();
  assert.equal(socket.state.retryAt - Date.now(), 250);
});

test('a connection that does not come about is given up', () => {
  const socket = start();
  mock.timers.tick(PATIENCE);
  assert.equal(socket.state.name, 'reconnecting');
  assert.ok(FakeWebSocket.last.closed);
});

test('when nothing comes it asks, says that prices are stale, and then connects anew', () => {
  const socket = start();
  const first = FakeWebSocket.last;
  first.accept();
  first.say(quotes);
  mock.timers.tick(QUIET);
  assert.equal(first.sent.length, 2);
  assert.equal(socket.state.name, 'live');
  mock.timers.tick(PATIENCE);
  assert.equal(socket.state.name, 'stale');
  mock.timers.tick(2 * PATIENCE);
  assert.equal(socket.state.name, 'reconnecting');
  assert.equal(socket.state.since, 1_000_000);
});

test('an answer ends the doubt', () => {
  const socket = start();
  FakeWebSocket.last.accept();
  FakeWebSocket.last.say(quotes);
  mock.timers.tick(QUIET);
  mock.timers.tick(PATIENCE);
  FakeWebSocket.last.say(quotes);
  assert.equal(socket.state.name, 'live');
  mock.timers.tick(2 * PATIENCE);
  assert.equal(socket.state.name, 'live');
});

test('a change of user takes a new connection, and the old one is heard no more', () => {
  const socket = start();
  const old = FakeWebSocket.last;
  old.accept();
  socket.open('user004');
  assert.ok(old.closed);
  old.say(quotes);
  assert.deepEqual(messages, []);
  FakeWebSocket.last.accept();
  assert.deepEqual(FakeWebSocket.last.sent, [{ action: 'user', id: 'user004' }]);
});

test('a person can retry at once', () => {
  const socket = start();
  FakeWebSocket.last.drop();
  socket.retry();
  assert.equal(FakeWebSocket.all.length, 2);
  mock.timers.tick(500);
  assert.equal(FakeWebSocket.all.length, 2, 'the planned attempt is cancelled');
});

test('what cannot be sent is refused', () => {
  const socket = start();
  assert.equal(socket.send({ action: 'users' }), false);
  FakeWebSocket.last.accept();
  assert.equal(socket.send({ action: 'users' }), true);
});
