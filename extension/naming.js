/**
 * What this instance is called, and where its broker is.
 *
 * Owns nothing: pure functions of the page's address and the settings.
 */

import { CLIENT_TYPE } from './wire.js';

const PLAIN_PORT = { 'http:': '80', 'https:': '443' };

/**
 * The clientId of a SillyTavern: its port, and what parts it from one of the same.
 * @param {{protocol: string, port: string}} location of the page
 * @param {string} [suffix] kept in the settings where two would be equal
 */
export function clientIdOf(location, suffix = '') {
  const port = location.port || PLAIN_PORT[location.protocol] || '0';
  return [CLIENT_TYPE, port, suffix].filter(Boolean).join('-');
}

/** A few random letters and figures: the name of an instance among its like. */
export function randomSuffix() {
  const bytes = crypto.getRandomValues(new Uint8Array(3));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * What people type as an address: `localhost:4000` will do, and a path is the
 * Socket.IO path.
 * @param {string} typed
 * @returns {{url: string, path: string}}
 * @throws {TypeError} it is no address
 */
export function brokerAddress(typed) {
  const text = typed.trim();
  const url = new URL(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (!/^(?:https?|wss?):$/.test(url.protocol)) throw new TypeError(`${text} is no URL`);
  const path = url.pathname.replace(/\/+$/, '') || '/socket.io';
  return { url: url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin, path };
}
