// The connection to the prices. It says who the page is, notices when nothing comes any more, and connects again after
// growing pauses, with chance in them so that a thousand pages do not come back in the same moment.

/** How long to wait for a connection, or for the answer to a question, before giving it up. */
export const PATIENCE = 10_000;

/** After this long without a message the page asks for one: a broken path and a quiet market look the same. */
export const QUIET = 60_000;

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

/**
 * @typedef {object} State
 * @property {'connecting'|'live'|'stale'|'reconnecting'} name
 * @property {number} since when the last message came, in milliseconds; 0 for never
 * @property {number} retryAt when the next attempt begins, if reconnecting
 */

export class QuoteSocket {
  #url;
  #onMessage;
  #onState;
  #WebSocket;
  #random;

  /** @type {WebSocket|null} */
  #socket = null;
  #user = '';
  #failures = 0;
  #timer = undefined;
  /** @type {State} */
  #state = { name: 'connecting', since: 0, retryAt: 0 };

  /**
   * @param {string} url
   * @param {{onMessage: (message: any) => void, onState: (state: State) => void,
   *          WebSocket?: typeof WebSocket, random?: () => number}} options
   */
  constructor(url, { onMessage, onState, WebSocket = globalThis.WebSocket, random = Math.random }) {
    this.#url = url;
    this.#onMessage = onMessage;
    this.#onState = onState;
    this.#WebSocket = WebSocket;
    this.#random = random;
  }

  /** The state now. @returns {State} */
  get state() {
    return this.#state;
  }

  /**
   * Connects as a user, '' for one who has not been chosen yet. A change of user takes a new connection, so that no late
   * price of the former user's can come.
   * @param {string} user
   */
  open(user) {
    this.#user = user;
    this.#failures = 0;
    this.#connect();
  }

  /**
   * Sends a message if the connection is open, and says whether it was.
   * @param {object} message
   */
  send(message) {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Connects at once, if the page is waiting to. */
  retry() {
    if (this.#state.name === 'reconnecting') this.#connect();
  }

  /** Gives the connection up and connects again, as when the machine says that it has lost its network. */
  lost() {
    if (this.#socket) this.#fail();
  }

  close() {
    this.#drop();
    clearTimeout(this.#timer);
  }

  #connect() {
    this.#drop();
    if (this.#state.name !== 'connecting') this.#become(this.#state.since ? 'reconnecting' : 'connecting');
    else this.#onState(this.#state);
    const socket = new this.#WebSocket(this.#url);
    this.#socket = socket;
    this.#after(PATIENCE, () => this.#fail());
    socket.onopen = () => {
      this.#ask();
      this.#after(PATIENCE, () => this.#suspect());
    };
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => this.#fail();
    socket.onerror = () => {}; // a close event follows
  }

  /** Says who the page is; the answer holds all that it shows. */
  #ask() {
    this.send(this.#user ? { action: 'user', id: this.#user } : { action: 'users' });
  }

  #receive(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return; // not ours
    }
    // A message without an action is the gateway's own, about a function that failed: no sign that prices flow.
    if (typeof message?.action === 'string') {
      this.#failures = 0;
      this.#state = { ...this.#state, since: Date.now() };
      if (this.#state.name !== 'live') this.#become('live');
      this.#after(QUIET, () => {
        this.#ask();
        this.#after(PATIENCE, () => this.#suspect());
      });
    }
    this.#onMessage(message);
  }

  /** Nothing has come although the page has asked. It says so, asks once more, and then connects anew. */
  #suspect() {
    this.#become('stale');
    this.#ask();
    this.#after(2 * PATIENCE, () => this.#fail());
  }

  #fail() {
    this.#drop();
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures++);
    const pause = longest * (0.5 + this.#random() / 2);
    this.#become('reconnecting', Date.now() + pause);
    this.#after(pause, () => this.#connect());
  }

  /** Lets go of the socket; nothing that it still says is heard. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #become(name, retryAt = 0) {
    this.#state = { name, since: this.#state.since, retryAt };
    this.#onState(this.#state);
  }

  /** There is one thing that the socket waits for at any time. */
  #after(pause, then) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, pause);
  }
}
