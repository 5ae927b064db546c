/**
 * What may go wrong, in one sentence and a code that the broker knows.
 *
 * Owns nothing. Must never invent words where the LLM or SillyTavern had some.
 */

import { CODE } from './wire.js';

/** An answer that is an error: it goes to whoever asked, as it stands. */
export class TavernError extends Error {
  /**
   * @param {string} message one clear sentence
   * @param {number} code one of `CODE`
   */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/** Why an answer ends before its time, where nothing is wrong. */
export const STOPPED = Object.freeze({ BY_BROKER: 'broker', BY_USER: 'user' });

const STATUS = /\bstatus (\d{3})\b/;

/**
 * What an LLM's failure is to the broker.
 * @param {unknown} problem what SillyTavern threw
 * @param {string} [shown] what SillyTavern showed to its user about it
 * @returns {TavernError}
 */
export function llmError(problem, shown = '') {
  if (problem instanceof TavernError) return problem;
  const thrown = wordsOf(problem);
  const words = shown.trim() || thrown || 'SillyTavern gave no answer and no reason';
  const status = Number(STATUS.exec(thrown)?.[1] ?? problem?.error?.code ?? 0);
  return new TavernError(words, codeOf(status));
}

/** @param {unknown} problem */
function wordsOf(problem) {
  if (typeof problem === 'string') return problem;
  const words = problem?.error?.message ?? problem?.message ?? '';
  return typeof words === 'string' ? words : JSON.stringify(words);
}

/** @param {number} status an HTTP status, or 0 */
function codeOf(status) {
  if (status === 401 || status === 403) return CODE.LLM_REFUSED;
  if (status === 429) return CODE.TOO_MANY_REQUESTS;
  return status >= 500 ? CODE.LLM_SERVER_ERROR : CODE.LLM_REQUEST_FAILED;
}
