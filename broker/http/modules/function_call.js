// Functions of the broker, of SillyTaverns and of other clients, called from a page.
//
// `socket` is a Socket.IO socket connected to /function_call. Each function gives a
// promise of the result; a refusal rejects it with an Error that has the protocol's
// `code`, and so does the end of the connection, without one. `readJsonFromFile` and
// `saveJsonToFile` result in an envelope of their own, `{success, result}`.

import { MSG_TYPE } from '../lib/constants.js';
import { uuidv4 } from '../lib/uuid/uuid.js';

const SERVER = 'server';

/** A call that was answered with an error. */
export class FunctionCallError extends Error {
  constructor({ message, code }) {
    super(message);
    this.name = 'FunctionCallError';
    this.code = code;
  }
}

/** Call the function `name` of `target`: the server, an identity or a clientId. */
export async function callFunction(socket, name, args = [], target = SERVER) {
  const call = { requestId: uuidv4(), functionName: name, args, target };
  const answer = await socket.emitWithAck(MSG_TYPE.FUNCTION_CALL, call);
  if (!answer.success) throw new FunctionCallError(answer.error);
  return answer.result;
}

/** Read one's own settings file, or what is public of the server's. */
export function readJsonFromFile(socket, path) {
  return callFunction(socket, 'readJsonFromFile', [path]);
}

/** Merge the fields of `object` into a settings file. */
export function saveJsonToFile(socket, path, object) {
  return callFunction(socket, 'saveJsonToFile', [path, object]);
}

/** Serve files under URLs of one's own: `{urlPath: filePath}`. */
export function addStaticResources(socket, resources) {
  return callFunction(socket, 'addStaticResources', [resources]);
}

/** The functions that `target` has. */
export function listFunctions(socket, target = SERVER) {
  return callFunction(socket, 'listFunctions', [], target);
}
