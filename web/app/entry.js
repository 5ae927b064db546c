/**
 * How one gets in: by the one-time link, or by a key that the broker gives away.
 *
 * Owns nothing. A token goes from the address bar to the broker and nowhere else, and
 * is out of the address before it is used.
 */

import { t } from './i18n.js';
import { Refusal } from './link.js';
import { ASK_FOR_KEY, CLIENT_TYPE, CODE, EVENT, NAMESPACE } from './wire.js';

const TOKEN = /^#sign-in=(.+)$/;
const TIMEOUT = 10_000;

/** Take the one-time link's token out of the address. @returns {string | null} */
export function takeToken() {
  const [, token] = TOKEN.exec(location.hash) ?? [];
  if (!token) return null;
  history.replaceState(null, '', `${location.pathname}${location.search}`);
  return token;
}

/**
 * Change the token of the one-time link for a key.
 * @returns {Promise<{clientId: string, key: string}>}
 */
export async function redeem(token) {
  let response;
  try {
    response = await fetch('/console/sign-in', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    });
  } catch {
    throw new Refusal(t('core.away'));
  }
  if (!response.ok) throw new Refusal(t('core.linkUsed'));
  return response.json();
}

/** Why we are not let in, in one sentence and the reader's language where it can be. */
export function whyRefused({ code, reason, clientId }) {
  const [, seconds] = /in (\d+) seconds/.exec(reason) ?? [];
  if (code === CODE.AUTHENTICATION_FAILED) {
    return seconds ? t('core.tooManyKeys', { seconds: Number(seconds) }) : t('core.wrongKey', { clientId });
  }
  if (code === CODE.AUTHORISATION_FAILED) return t('core.noMonitor', { clientId, reason });
  return reason;
}

/**
 * Whether asking for a key has a point: the broker gives monitors one, and does so on
 * its own machine alone.
 * @param {string} told what the broker has told the page of that
 */
export function givesKeys(told, { hostname } = location) {
  const here = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  return here && told === 'yes';
}

/**
 * Ask the broker for a key.
 * @returns {Promise<string>}
 */
export function askForKey(makeManager, clientId) {
  const auth = { clientId, key: ASK_FOR_KEY };
  return visit(makeManager, NAMESPACE.AUTH, auth, (socket) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Refusal(t('core.noKeyGiven'))), TIMEOUT);
      socket.on(EVENT.GET_CLIENT_KEY, ({ key }) => {
        clearTimeout(timer);
        resolve(key);
      });
    }));
}

/** Come into one namespace, do one thing, and leave. */
async function visit(makeManager, namespace, auth, act) {
  const manager = makeManager();
  manager.reconnection(false);
  const socket = manager.socket(namespace, { auth: { ...auth, clientType: CLIENT_TYPE } });
  try {
    const done = act(socket);
    await Promise.race([done, refusalOf(socket)]);
    return await done;
  } finally {
    socket.emit(EVENT.CLIENT_DISCONNECTED);
    socket.disconnect();
  }
}

/** Rejects where the broker does not let us in, and else stays open. */
function refusalOf(socket) {
  return new Promise((_, reject) => {
    socket.on('connect_error', (error) => {
      const message = error.data?.code === undefined ? t('core.away') : error.message;
      reject(new Refusal(message, error.data?.code));
    });
    socket.connect();
  });
}
