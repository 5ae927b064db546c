/**
 * The way to the broker: one connection, and the namespaces that the page needs.
 *
 * Owns the sockets, the key in use and who this tab is. Must never say anything twice
 * or late: what cannot be said now is refused, and whoever asked decides. Leaves a
 * broker that stops alone for as long as it asks, unless the operator wants it now.
 */

import { Absence } from './absence.js';
import { t } from './i18n.js';
import { CLIENT_TYPE, CODE, EVENT, NAMESPACE } from './wire.js';

const TIMEOUT = 10_000;
/** Milliseconds until a connection that the broker closed or put off tries again. */
const RETRY = 1_000;

/** Codes with which the broker says that it will not let us in, now and later. */
const FINAL = new Set([
  CODE.INVALID_PARAMETER,
  CODE.AUTHENTICATION_FAILED,
  CODE.AUTHORISATION_FAILED,
  CODE.NOT_FOUND,
]);

/** What was asked for and not done; the message is for the user. */
export class Refusal extends Error {
  /**
   * @param {string} message one sentence
   * @param {number} [code] one of the protocol's
   */
  constructor(message, code) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
  }
}

export class Link {
  #makeManager;
  #identityOf;
  #manager = null;
  #credentials = null;
  #sockets = new Map();
  #heard = new Set();
  #listeners = new Set();
  #retry = null;
  #absence = new Absence();

  /** @type {'connecting' | 'online' | 'offline' | 'refused'} */
  state = 'offline';
  /** Why it was refused, in the broker's words. */
  reason = '';
  /** The code of that. */
  code;
  /** When we try again, where the broker has asked to be left alone. @type {Date | null} */
  backAt = null;

  /**
   * @param {object} parts
   * @param {() => any} parts.manager makes a socket.io Manager
   * @param {(clientId: string) => string} parts.identity who this tab is
   */
  constructor({ manager, identity }) {
    this.#makeManager = manager;
    this.#identityOf = identity;
  }

  get clientId() {
    return this.#credentials?.clientId ?? '';
  }

  get identity() {
    return this.#credentials?.identity ?? '';
  }

  /** Connect, and stay connected. @param {{clientId: string, key: string}} credentials */
  connect({ clientId, key }) {
    this.disconnect();
    this.#credentials = { clientId, key, identity: this.#identityOf(clientId) };
    this.#manager = this.#makeManager();
    this.#become('connecting');
    this.#watch(this.#socket(NAMESPACE.DEBUG));
    // Joined at once, so that what is said in them is heard from the start.
    for (const { namespace } of this.#heard) this.#socket(namespace);
  }

  /** Wait no longer, whatever the broker has asked for. */
  tryNow() {
    if (this.backAt !== null) this.#comeBack();
  }

  /** Leave for good, and say so. */
  disconnect() {
    clearTimeout(this.#retry);
    this.#absence.take();
    for (const socket of this.#sockets.values()) {
      if (socket.connected) socket.emit(EVENT.CLIENT_DISCONNECTED);
      socket.off();
      socket.disconnect();
    }
    this.#sockets.clear();
    this.#manager?.reconnection(false);
    this.#manager = this.#credentials = null;
    this.#become('offline');
  }

  /**
   * Ask the broker.
   * @returns {Promise<Record<string, any>>} the ack
   * @throws {Refusal} the broker says no, says nothing in time, or is away
   */
  async call(namespace, event, data, { timeout = TIMEOUT } = {}) {
    if (this.state !== 'online') throw new Refusal(t('core.away'), CODE.UNAVAILABLE);
    const socket = this.#socket(namespace);
    if (!socket.connected) await joined(socket, timeout);
    let ack;
    try {
      const patient = socket.timeout(timeout);
      ack = await (data === undefined ? patient.emitWithAck(event) : patient.emitWithAck(event, data));
    } catch {
      throw socket.connected
        ? new Refusal(t('core.noAnswer'), CODE.TIMEOUT)
        : new Refusal(t('core.lost'), CODE.CLIENT_DISCONNECTED);
    }
    return accepted(ack);
  }

  /** Hear an event, over all reconnections. @returns {() => void} stops hearing it */
  on(namespace, event, listener) {
    const entry = { namespace, event, listener };
    this.#heard.add(entry);
    if (this.#sockets.has(namespace)) this.#sockets.get(namespace).on(event, listener);
    else if (this.#manager) this.#socket(namespace);
    return () => {
      this.#heard.delete(entry);
      this.#sockets.get(namespace)?.off(event, listener);
    };
  }

  /** Hear of each state, the present one first. @returns {() => void} stops hearing */
  onState(listener) {
    this.#listeners.add(listener);
    listener(this.state);
    return () => this.#listeners.delete(listener);
  }

  #socket(namespace) {
    const known = this.#sockets.get(namespace);
    if (known) return known;
    const credentials = this.#credentials;
    const auth = { ...credentials, clientType: CLIENT_TYPE, desc: 'Console' };
    const socket = this.#manager.socket(namespace, { auth });
    this.#sockets.set(namespace, socket);
    for (const entry of this.#heard) {
      if (entry.namespace === namespace) socket.on(entry.event, entry.listener);
    }
    socket.on('disconnect', (reason) => {
      // The library comes back by itself from anything but this.
      if (reason === 'io server disconnect') this.#again();
    });
    // One that connects takes the others along.
    if (this.backAt === null) socket.connect();
    return socket;
  }

  #watch(door) {
    door.on('connect', () => this.#become('online'));
    door.on('disconnect', () => this.#away());
    door.on(EVENT.WARNING, (warning) => this.#absence.hear(warning));
    door.on('connect_error', (error) => {
      const code = error.data?.code;
      if (FINAL.has(code)) {
        this.#refused(error.message, code);
        return;
      }
      if (code === undefined) this.#absence.hearRefusal(error);
      this.#away();
      if (code !== undefined) this.#again();
    });
  }

  /** The library comes back by itself, unless the broker has asked for something else. */
  #away() {
    const wait = this.#absence.take();
    if (wait === 0) {
      this.#become('offline');
      return;
    }
    this.#manager.reconnection(false);
    this.#become('offline', { backAt: new Date(Date.now() + wait) });
    this.#again(wait);
  }

  #again(after = RETRY) {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#comeBack(), after);
  }

  #comeBack() {
    clearTimeout(this.#retry);
    this.#manager.reconnection(true);
    if (this.backAt !== null) this.#become('offline');
    for (const socket of this.#sockets.values()) if (!socket.connected) socket.connect();
  }

  #refused(message, code) {
    clearTimeout(this.#retry);
    this.#manager.reconnection(false);
    for (const socket of this.#sockets.values()) socket.disconnect();
    this.#become('refused', { reason: message, code });
  }

  #become(state, { reason = '', code, backAt = null } = {}) {
    const same = this.state === state && this.reason === reason;
    if (same && this.backAt === null && backAt === null) return;
    Object.assign(this, { state, reason, code, backAt });
    for (const listener of [...this.#listeners]) listener(state);
  }
}

/** A fresh name for a tab of a client: two consoles must not be one. */
export function tabIdentity(clientId) {
  // Not randomUUID: that one is missing where the page does not come by HTTPS.
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  const suffix = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${clientId.slice(0, 100)}-${suffix}`;
}

/** Wait until a namespace that was needed for the first time has let us in. */
function joined(socket, timeout) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(reject, new Refusal(t('core.noAnswer'), CODE.TIMEOUT)), timeout);
    const come = () => end(resolve);
    const kept = (error) => end(reject, new Refusal(error.message, error.data?.code));
    function end(settle, value) {
      clearTimeout(timer);
      socket.off('connect', come);
      socket.off('connect_error', kept);
      settle(value);
    }
    socket.on('connect', come);
    socket.on('connect_error', kept);
  });
}

function accepted(ack) {
  const refused = ack?.status === 'error' || ack?.success === false;
  if (!refused) return ack ?? {};
  const { message, code } = ack.error ?? ack;
  throw new Refusal(String(message), code);
}
