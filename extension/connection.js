/**
 * The way to the broker: one Engine.IO connection, its namespaces, and who we are on it.
 *
 * Owns the sockets, the key that is in use, and the state of the connection. Comes in
 * by `/sillytavern`, where the broker says whether we are the only one of our name;
 * joins the others only then, and leaves them whenever that door closes. Must never
 * take orders while another tab holds this identity, never try a wrong key twice, and
 * leave a broker that stops alone for as long as it asks, unless the user wants it now.
 */

import { Absence } from './absence.js';
import { ask, askForPatience, askForQueue } from './questions.js';
import { ASK_FOR_KEY, CLIENT_TYPE, CODE, EVENT, NAMESPACE } from './wire.js';

/** Milliseconds until a refused or held connection looks whether it may come in now. */
const RETRY = 10_000;

/** Whoever reloads a page meets what is left of it, for a moment. */
const RETRY_SOON = 1_000;
const PATIENT_TRIES = 2;

/** Milliseconds that pass at most between two tries, unless the settings say more. */
const LONGEST_DELAY = 5_000;

/** What a connection can be. */
export const STATE = Object.freeze({
  OFF: 'off',
  CONNECTING: 'connecting',
  ONLINE: 'online',
  LOST: 'lost',
  AWAY: 'away',
  ELSEWHERE: 'elsewhere',
  REFUSED: 'refused',
  GIVEN_UP: 'givenUp',
});

/**
 * @typedef {object} Identity
 * @property {string} clientId
 * @property {string} instance which SillyTavern this is, whatever its name
 * @property {string} page which of its tabs
 * @property {string} key one to show, `getKey`, or none yet
 * @property {string} password
 * @property {string} desc
 */

export class Connection extends EventTarget {
  #parts;
  #manager = null;
  #identity = null;
  #sockets = {};
  #retry = null;
  #tries = 0;
  #wasOnline = false;
  #acquainted = false;
  #absence = new Absence();

  state = STATE.OFF;
  /** Why there is no connection, in the broker's words. */
  reason = '';
  /** When it comes back to a broker that asked to be left alone. */
  backAt = new Date();

  /**
   * @param {object} parts
   * @param {(url: string, options: object) => any} parts.manager makes a socket.io Manager
   * @param {() => {url: string, path: string}} parts.address
   * @param {() => Identity} parts.identity
   * @param {() => object} parts.card what IDENTIFY_SILLYTAVERN tells of us
   * @param {(key: string) => void} parts.keepKey
   * @param {() => void} parts.forgetKey the broker does not know it; a typed one stays
   * @param {() => void} parts.rename another SillyTavern has our name
   */
  constructor(parts) {
    super();
    this.#parts = parts;
  }

  /** Whether requests can come and answers can go. */
  get open() {
    return this.#sockets.llm?.connected === true;
  }

  get clientId() {
    return this.#identity?.clientId ?? this.#parts.identity().clientId;
  }

  /** Connect, and stay connected. */
  connect() {
    this.#leave();
    let address;
    try {
      address = this.#parts.address();
    } catch (error) {
      this.#become(STATE.REFUSED, error.message);
      return;
    }
    this.#identity = this.#parts.identity();
    if (!this.#identity.key) {
      this.#become(STATE.REFUSED, 'type a key, or ask the broker for one');
      return;
    }
    this.#become(STATE.CONNECTING);
    const manager = this.#parts.manager(address.url, {
      path: address.path,
      autoConnect: false,
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
    });
    this.#manager = manager;
    manager.on('reconnect_failed', () => this.#become(STATE.GIVEN_UP));
    this.#sockets = {
      door: this.#socket(NAMESPACE.SILLY_TAVERN),
      llm: this.#socket(NAMESPACE.LLM),
      functions: this.#socket(NAMESPACE.FUNCTION_CALL),
      auth: this.#socket(NAMESPACE.AUTH),
    };
    this.#watch(this.#sockets);
    this.dispatchEvent(new CustomEvent('sockets', { detail: this.#sockets }));
    this.#sockets.door.connect();
  }

  /** Leave for good, and say so. */
  disconnect() {
    this.#leave();
    this.#become(STATE.OFF);
  }

  /** Have the other connection of this identity leave. */
  takeOver() {
    const { door } = this.#sockets;
    if (door?.connected) this.#identify({ takeOver: true });
    else this.connect();
  }

  /** Tell the broker in `/sillytavern`, if it is there. */
  tell(event, data) {
    if (this.#sockets.door?.connected && this.open) this.#sockets.door.emit(event, data);
  }

  /** Say something in `/llm`; what the broker misses is not said again. */
  say(event, data, ack) {
    const { llm } = this.#sockets;
    if (llm?.connected) ack ? llm.emit(event, data, ack) : llm.emit(event, data);
  }

  /** How many requests wait for us at the broker; null where it does not say. */
  queued() {
    return askForQueue(this.#sockets.auth, this.clientId);
  }

  #socket(namespace) {
    const auth = (give) => {
      const { clientId, key, desc } = this.#identity;
      give({ clientId, key, desc, clientType: CLIENT_TYPE });
    };
    return this.#manager.socket(namespace, { auth });
  }

  #watch({ door, llm, functions, auth }) {
    door.on('connect', () => this.#cameIn());
    door.on('connect_error', (error) => this.#notLetIn(error));
    door.on('disconnect', (reason) => this.#doorClosed(reason));
    door.on(EVENT.ERROR, (error) => this.#told(error));
    door.on(EVENT.WARNING, (warning) => this.#absence.hear(warning));
    llm.on('connect', () => this.#arrived());
    for (const socket of [llm, functions, auth]) {
      socket.on('connect_error', (error) => {
        if (error.data?.code) this.#refused(error.message, error.data.code);
      });
    }
  }

  /** Who waits for another tab lets that one come back first. */
  #cameIn() {
    if (this.state === STATE.ELSEWHERE) this.#again(RETRY_SOON);
    else this.#identify();
  }

  async #identify({ takeOver = false } = {}) {
    const { door } = this.#sockets;
    clearTimeout(this.#retry);
    const { clientId, password, key } = this.#identity;
    const instance = nameOf(this.#identity);
    const left = () => door !== this.#sockets.door;
    try {
      if (password && key === ASK_FOR_KEY && !(await this.#logIn(clientId, password))) return;
      const card = { ...this.#parts.card(), clientId, instance, takeOver };
      const ack = await ask(door, EVENT.IDENTIFY_SILLYTAVERN, card);
      if (left()) return;
      if (ack.status === 'error') this.#notIdentified(ack);
      else this.#identified(ack);
    } catch {
      // The door has closed, or the broker is silent: try once more.
      if (!left() && door.connected) this.#again(RETRY_SOON);
    }
  }

  /** @returns {Promise<boolean>} whether the password is right; it is tried once */
  async #logIn(clientId, password) {
    const { auth } = this.#sockets;
    if (!auth.connected) {
      const joined = new Promise((resolve) => auth.once('connect', resolve));
      auth.connect();
      await joined;
    }
    const ack = await ask(auth, EVENT.LOGIN, { clientId, password });
    if (auth !== this.#sockets.auth) return false;
    if (ack.status === 'error') this.#become(STATE.REFUSED, ack.message);
    else this.#keep(ack.key);
    return ack.status !== 'error';
  }

  #identified({ key }) {
    this.#tries = 0;
    if (key) this.#keep(key);
    const { llm, functions, auth } = this.#sockets;
    for (const socket of [llm, functions, auth]) socket.connect();
    if (llm.connected) this.#arrived();
  }

  #keep(key) {
    this.#identity = { ...this.#identity, key };
    this.#parts.keepKey(key);
  }

  #notIdentified({ code, message, held }) {
    if (held === undefined) {
      this.#refused(message, code);
      return;
    }
    const { instance } = this.#identity;
    if (held.instance === nameOf(this.#identity)) {
      this.#identify({ takeOver: true }); // from a connection of ours that has died
      return;
    }
    if (!held.instance?.startsWith(`${instance}.`)) {
      this.#parts.rename();
      this.connect();
      return;
    }
    // Perhaps it is only what a reload has left behind.
    this.#tries += 1;
    const another = this.#tries > PATIENT_TRIES;
    if (another) this.#becomeElsewhere(message, 'elsewhere');
    this.#again(another ? RETRY : RETRY_SOON);
  }

  #arrived() {
    if (this.state === STATE.ONLINE) return;
    this.#wasOnline = true;
    this.#become(STATE.ONLINE);
    this.dispatchEvent(new Event('online'));
    if (!this.#acquainted) this.#learnPatience();
  }

  /** Be as patient as the server's settings say; without them, as the library is. */
  async #learnPatience() {
    const manager = this.#manager;
    const patience = await askForPatience(this.#sockets.functions, this.clientId);
    if (patience === null || manager !== this.#manager) return;
    const { attempts, delay } = patience;
    if (Number.isFinite(attempts)) manager.reconnectionAttempts(attempts);
    if (Number.isFinite(delay)) {
      manager.reconnectionDelay(delay);
      manager.reconnectionDelayMax(Math.max(delay, LONGEST_DELAY));
    }
    this.#acquainted = true;
  }

  #doorClosed(reason) {
    const { llm, functions, auth } = this.#sockets;
    for (const socket of [llm, functions, auth]) socket.disconnect();
    if (this.state === STATE.OFF || this.#staysAway()) return;
    if (reason === 'io server disconnect') {
      if (this.state !== STATE.ELSEWHERE) this.#become(STATE.LOST);
      this.#again(this.state === STATE.ELSEWHERE ? RETRY : RETRY_SOON);
    } else if (this.state === STATE.ONLINE) {
      this.#become(STATE.LOST);
    }
  }

  /** The broker says what is wrong with the whole of us. */
  #told({ code, message, requestId }) {
    if (code !== CODE.CLIENT_DISCONNECTED || requestId) return;
    this.#becomeElsewhere(message, 'takenOver');
  }

  #becomeElsewhere(message, event) {
    if (this.state === STATE.ELSEWHERE) return;
    this.#become(STATE.ELSEWHERE, message);
    this.dispatchEvent(new Event(event));
  }

  #notLetIn(error) {
    if (error.data?.code) {
      this.#refused(error.message, error.data.code);
      return;
    }
    this.#absence.hearRefusal(error);
    if (this.#staysAway()) return;
    if (this.#wasOnline) this.#become(STATE.LOST);
    else this.#become(STATE.CONNECTING, error.message);
  }

  /** @returns {boolean} whether the broker has asked for it, and the library is told so */
  #staysAway() {
    const wait = this.#absence.take();
    if (wait === 0) return false;
    this.#manager.reconnection(false);
    this.backAt = new Date(Date.now() + wait);
    if (this.state !== STATE.ELSEWHERE) this.#become(STATE.AWAY);
    this.#again(wait);
    return true;
  }

  #refused(message, code) {
    const { key } = this.#identity;
    const keyIsWrong = code === CODE.AUTHENTICATION_FAILED && key !== ASK_FOR_KEY;
    if (keyIsWrong) {
      this.#parts.forgetKey();
      this.#identity = this.#parts.identity();
      if (this.#identity.key === ASK_FOR_KEY) {
        this.#again(0);
        return;
      }
    }
    this.#become(STATE.REFUSED, message);
    if (!keyIsWrong) this.#again(RETRY);
  }

  #again(after) {
    clearTimeout(this.#retry);
    const { door } = this.#sockets;
    this.#retry = setTimeout(() => {
      if (door !== this.#sockets.door) return;
      this.#manager.reconnection(true);
      if (this.state === STATE.AWAY) this.#become(this.#wasOnline ? STATE.LOST : STATE.CONNECTING);
      if (door.connected) this.#identify();
      else door.connect();
    }, after);
  }

  #leave() {
    clearTimeout(this.#retry);
    this.#tries = 0;
    this.#wasOnline = this.#acquainted = false;
    this.#absence.take();
    const sockets = Object.values(this.#sockets);
    this.#sockets = {};
    this.#identity = null;
    for (const socket of sockets) {
      socket.off();
      if (socket.connected) socket.emit(EVENT.CLIENT_DISCONNECTED);
      socket.disconnect();
    }
    this.#manager?.off();
    this.#manager?.reconnection(false);
    this.#manager = null;
  }

  #become(state, reason = '') {
    if (this.state === state && this.reason === reason) return;
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event('change'));
  }
}

/** What we are called among connections of the same clientId. */
function nameOf({ instance, page }) {
  return `${instance}.${page}`;
}
