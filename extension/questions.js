/**
 * What the extension asks the broker, each with its answer.
 *
 * Owns nothing. A question that is not answered in time rejects; those that only
 * serve comfort give null instead.
 */

import { EVENT, READ_JSON, SERVER, SERVER_SETTINGS } from './wire.js';

const TIMEOUT = 10_000;

/**
 * Emit, and wait for the ack.
 * @param {any} socket
 * @returns {Promise<Record<string, any>>}
 */
export function ask(socket, event, data) {
  const patient = socket.timeout(TIMEOUT);
  return data === undefined ? patient.emitWithAck(event) : patient.emitWithAck(event, data);
}

/**
 * How often and how patiently the server's settings would have us come back.
 * @returns {Promise<{attempts?: number, delay?: number} | null>}
 */
export async function askForPatience(functions, clientId) {
  const call = {
    requestId: `${clientId}-${Date.now()}`,
    functionName: READ_JSON,
    args: [SERVER_SETTINGS],
    target: SERVER,
  };
  try {
    const ack = await ask(functions, EVENT.FUNCTION_CALL, call);
    const { reconnectAttempts, reconnectDelay } = ack.result?.result ?? {};
    return { attempts: reconnectAttempts, delay: reconnectDelay };
  } catch {
    return null;
  }
}

/**
 * How many requests wait for an instance.
 * @returns {Promise<number | null>}
 */
export async function askForQueue(auth, identity) {
  if (!auth?.connected) return null;
  try {
    const { details } = await ask(auth, EVENT.GET_SILLYTAVERN_EXTENSION);
    return details.find((each) => each.identity === identity)?.queued ?? null;
  } catch {
    return null;
  }
}
