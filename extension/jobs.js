/**
 * The requests this SillyTavern was given, from their coming to their end.
 *
 * Owns what runs, what waits for the visible chat (it takes one at a time), and the
 * last of what is over. Must never let a request go without an end, and never say
 * anything of one after it.
 */

import { Answer } from './answer.js';
import { llmError, STOPPED, TavernError } from './errors.js';
import { wayOf } from './request.js';
import { CODE } from './wire.js';

const REMEMBERED = 20;

const NOT_ALLOWED = {
  chat: 'this SillyTavern does not answer in its chat: send `messages`',
  messages: 'this SillyTavern does not answer from messages',
};

/**
 * @typedef {object} Job
 * @property {string} requestId
 * @property {string} from who asked
 * @property {'chat' | 'messages'} way
 * @property {'waiting' | 'running' | 'completed' | 'cancelled' | 'failed'} state
 * @property {string} [error]
 * @property {Date} began
 * @property {number} characters
 */

/**
 * @typedef {(request: object, answer: Answer, signal: AbortSignal) => Promise<string>}
 *   Runner writes the answer and gives its final text; throws where there is none
 */

export class Jobs extends EventTarget {
  #port;
  #runners;
  #allow;
  /** @type {Map<string, {answer: Answer, abort: AbortController, job: Job}>} */
  #current = new Map();
  #chatTurn = Promise.resolve();
  /** @type {Job[]} the latest first */
  recent = [];

  /**
   * @param {object} parts
   * @param {import('./answer.js').Port} parts.port
   * @param {{chat: Runner, messages: Runner}} parts.runners
   * @param {() => Record<string, boolean>} parts.allow what remote people may do
   */
  constructor({ port, runners, allow }) {
    super();
    this.#port = port;
    this.#runners = runners;
    this.#allow = allow;
  }

  /** The requests whose end the broker has not acknowledged. */
  get running() {
    return [...this.#current.keys()];
  }

  /** Whether something is being answered at this moment. */
  get busy() {
    return [...this.#current.values()].some(({ answer }) => !answer.ended);
  }

  /** @param {Record<string, any>} request an LLM_REQUEST */
  take(request) {
    if (this.#current.has(request.requestId)) return;
    const way = wayOf(request);
    const job = {
      requestId: request.requestId,
      from: request.requestingIdentity ?? '',
      way,
      state: 'waiting',
      began: new Date(),
      characters: 0,
    };
    const abort = new AbortController();
    const over = () => this.#current.delete(job.requestId);
    const answer = new Answer(job.requestId, this.#port, over);
    this.#current.set(job.requestId, { answer, abort, job });
    this.recent = [job, ...this.recent].slice(0, REMEMBERED);
    if (way === 'chat') {
      this.#chatTurn = this.#chatTurn.then(() => this.#run(request, answer, abort, job));
    } else {
      this.#run(request, answer, abort, job);
    }
    this.#changed();
  }

  /** @param {string} requestId one that the broker wants no more of */
  cancel(requestId) {
    const found = this.#current.get(requestId);
    if (found === undefined) return;
    found.abort.abort(STOPPED.BY_BROKER);
    found.answer.drop();
  }

  /** Stop all that runs, as if the user had. */
  stopAll() {
    for (const { abort } of this.#current.values()) abort.abort(STOPPED.BY_USER);
  }

  /** Forget all that runs: another connection answers for this SillyTavern now. */
  dropAll() {
    for (const requestId of this.running) this.cancel(requestId);
  }

  /** The broker is back: say all of it again that it may have missed. */
  repeat() {
    for (const { answer } of [...this.#current.values()]) answer.repeat();
  }

  async #run(request, answer, abort, job) {
    try {
      abort.signal.throwIfAborted();
      this.#mustBeAllowed(job.way);
      this.#become(job, 'running');
      answer.finish(await this.#runners[job.way](request, answer, abort.signal));
      this.#become(job, 'completed');
    } catch (problem) {
      this.#endBadly(problem, answer, abort.signal, job);
    } finally {
      job.characters = answer.text.length;
      this.#changed();
    }
  }

  #endBadly(problem, answer, signal, job) {
    if (signal.aborted || problem === STOPPED.BY_USER) {
      const byBroker = signal.reason === STOPPED.BY_BROKER;
      if (!byBroker) answer.cancel();
      this.#become(job, 'cancelled');
      return;
    }
    const error = llmError(problem);
    answer.fail(error);
    job.error = error.message;
    this.#become(job, 'failed');
  }

  #mustBeAllowed(way) {
    if (this.#allow()[way]) return;
    throw new TavernError(NOT_ALLOWED[way], CODE.AUTHORISATION_FAILED);
  }

  #become(job, state) {
    job.state = state;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
