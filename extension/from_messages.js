/**
 * Answer from a list of messages: the chat stays as it is.
 *
 * Owns nothing. Streams where SillyTavern's services can; any other API gives the
 * whole answer at once.
 */

import { Deltas } from './deltas.js';
import { llmError, TavernError } from './errors.js';
import { withoutMacros } from './macros.js';
import { messagesOf } from './request.js';
import { CODE } from './wire.js';

/**
 * @param {import('./tavern.js').Tavern} tavern
 * @param {Record<string, any>} request
 * @param {import('./answer.js').Answer} answer
 * @param {AbortSignal} signal
 * @returns {Promise<string>} the final text
 */
export async function answerFromMessages(tavern, request, answer, signal) {
  const messages = messagesOf(request);
  if (messages.length === 0) {
    throw new TavernError('messages must not be empty', CODE.INVALID_PARAMETER);
  }
  // What becomes one text is expanded on the way; a list of messages is not.
  const safe = tavern.settings.allow.macros ? messages : messages.map(unexpanded);
  switch (tavern.api) {
    case 'openai':
      return pour(tavern.streamChat(messages, signal), answer, signal);
    case 'textgenerationwebui':
      return pour(tavern.streamText(safe, signal), answer, signal);
    default:
      return whole(tavern.completeRaw(safe, signal), answer);
  }
}

async function pour(opening, answer, signal) {
  const deltas = new Deltas();
  let text = '';
  const stream = await opening;
  if (typeof stream !== 'function') return whole(stream, answer);
  for await (const state of stream()) {
    signal.throwIfAborted();
    text = state.text;
    answer.write(deltas.next(text));
  }
  signal.throwIfAborted();
  if (text === '') throw llmError('the LLM ended without a word');
  return text;
}

async function whole(pending, answer) {
  const said = await pending;
  const text = typeof said === 'string' ? said : (said?.content ?? '');
  answer.write(text);
  return text;
}

function unexpanded(message) {
  if (typeof message.content !== 'string') return message;
  return { ...message, content: withoutMacros(message.content) };
}
