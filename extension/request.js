/**
 * What an LLM_REQUEST asks for.
 *
 * Owns nothing: pure functions of the request.
 */

import { TavernError } from './errors.js';
import { CODE, REGENERATE, THINK_REQUEST } from './wire.js';

/**
 * @param {Record<string, any>} request
 * @returns {'chat' | 'messages'}
 */
export function wayOf({ messages, type }) {
  return Array.isArray(messages) || type === THINK_REQUEST ? 'messages' : 'chat';
}

/** @param {Record<string, any>} request */
export function regenerates({ requestType }) {
  return requestType === REGENERATE;
}

/**
 * What is said to the LLM.
 * @param {Record<string, any>} request
 * @returns {string}
 */
export function textOf({ message, data }) {
  const said = message ?? data?.prompt ?? data ?? '';
  return typeof said === 'string' ? said : JSON.stringify(said);
}

/**
 * The list to answer from; who is only asked to join in gets the room's last words.
 * @param {Record<string, any>} request
 * @returns {{role: string, content: any, name?: string}[]}
 */
export function messagesOf({ messages, context = [] }) {
  if (Array.isArray(messages)) return messages.map(checked);
  return context.map((said) => ({
    role: said.fromLlm ? 'assistant' : 'user',
    content: textOf(said),
  }));
}

function checked(message) {
  if (message && typeof message.role === 'string' && message.content !== undefined) {
    return structuredClone(message);
  }
  throw new TavernError(
    'each of messages must have a role and a content',
    CODE.INVALID_PARAMETER,
  );
}
