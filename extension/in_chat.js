/**
 * Answer in the visible chat: the message and the reply appear as if typed there.
 *
 * Owns one generation of SillyTavern's while it runs. Must never await anything in a
 * listener (SillyTavern awaits them for each token), and never touch what SillyTavern
 * generates for its own user.
 */

import { BETWEEN, Deltas } from './deltas.js';
import { llmError, STOPPED } from './errors.js';
import { withoutMacros } from './macros.js';
import { regenerates, textOf } from './request.js';
import { listenToErrors } from './toasts.js';

/** SillyTavern shows an LLM's refusal under this title, and goes on as if all were well. */
const API_ERROR = 'Chat Completion API';

/** What is received besides answers. */
const NO_ANSWERS = new Set(['first_message', 'command', 'extension']);

/**
 * @param {import('./tavern.js').Tavern} tavern
 * @param {Record<string, any>} request
 * @param {import('./answer.js').Answer} answer
 * @param {AbortSignal} signal
 * @returns {Promise<string>} the final text
 */
export async function answerInChat(tavern, request, answer, signal) {
  await tavern.take(signal);
  const generation = new Generation(tavern, answer, signal);
  const draft = tavern.setDraftAside({ again: regenerates(request) });
  try {
    await generation.run(request, draft);
  } finally {
    generation.leave();
    draft.restore();
  }
  return generation.outcome();
}

class Generation {
  #tavern;
  #answer;
  #signal;
  #deltas = new Deltas();
  /** @type {Set<number>} the messages that came, by their places in the chat */
  #received = new Set();
  #stopped = false;
  #generating = false;
  #result;
  #problem;
  #errors;
  #offs;

  constructor(tavern, answer, signal) {
    this.#tavern = tavern;
    this.#answer = answer;
    this.#signal = signal;
    this.#errors = listenToErrors();
    this.#offs = [
      tavern.on('STREAM_TOKEN_RECEIVED', (text) => this.#token(text)),
      tavern.on('GENERATION_STARTED', (type, _options, dry) => this.#started(type, dry)),
      tavern.on('GENERATION_AFTER_COMMANDS', () => this.#stopIfAborted()),
      tavern.on('GENERATION_STOPPED', () => (this.#stopped ||= this.#generating)),
      tavern.on('MESSAGE_RECEIVED', (id, type) => this.#messageCame(id, type)),
    ];
    signal.addEventListener('abort', this.#stopIfAborted);
  }

  async run(request, draft) {
    try {
      if (!regenerates(request)) {
        const text = textOf(request);
        const { macros } = this.#tavern.settings.allow;
        await this.#tavern.say(macros ? text : withoutMacros(text));
        draft.restoreFiles();
      }
      this.#signal.throwIfAborted();
      this.#generating = true;
      const again = regenerates(request);
      this.#result = await (again ? this.#tavern.regenerate() : this.#tavern.generate());
    } catch (problem) {
      this.#problem = problem ?? new Error('SillyTavern failed');
    } finally {
      if (!this.#generating) this.#tavern.release();
      this.#generating = false;
    }
  }

  leave() {
    for (const off of this.#offs) off();
    this.#signal.removeEventListener('abort', this.#stopIfAborted);
    this.#errors.stop();
  }

  /** What has become of it. */
  outcome() {
    this.#signal.throwIfAborted();
    const text = this.#text();
    if (this.#stopped) {
      if (text.startsWith(this.#answer.text)) {
        this.#answer.write(text.slice(this.#answer.text.length));
      }
      throw STOPPED.BY_USER;
    }
    const { last } = this.#errors;
    const nothing = this.#result === undefined || text === '';
    if (this.#problem !== undefined || (nothing && last) || last?.title === API_ERROR) {
      throw llmError(this.#problem, last?.message);
    }
    if (this.#result === undefined) throw llmError(undefined);
    if (this.#answer.text === '') this.#answer.write(text);
    return text;
  }

  #text() {
    const { chat } = this.#tavern;
    const texts = [...this.#received].map((id) => chat[id]?.mes ?? '');
    return texts.length > 0 ? texts.join(BETWEEN) : this.#answer.text;
  }

  #token(text) {
    if (this.#generating) this.#answer.write(this.#deltas.next(String(text)));
  }

  #started(type, dry) {
    if (!this.#generating || dry || type === 'quiet') return;
    this.#answer.write(this.#deltas.turnPage());
  }

  #messageCame(id, type) {
    if (this.#generating && !NO_ANSWERS.has(type)) this.#received.add(Number(id));
  }

  // Before SillyTavern can be stopped, stopping does nothing: it is done again then.
  #stopIfAborted = () => {
    if (this.#generating && this.#signal.aborted) this.#tavern.stop();
  };
}
