/**
 * The answers on their way into one room, and how what was missed of them is got back.
 *
 * Owns each of them until the room's history has it. Chunks name no room: that of a
 * request nobody has told us of is asked for, and what is another room's passed over.
 */

import { Answer } from './answer.js';
import { EVENT, ROOM_CODE, TERMINAL } from './room_events.js';
import { CODE, NAMESPACE } from './wire.js';

const { LLM } = NAMESPACE;

/** What the broker says where a room does not know, or not give, an answer. */
const NOT_OURS = new Set([
  CODE.AUTHORISATION_FAILED,
  CODE.NOT_FOUND,
  ROOM_CODE.ROOM_NOT_FOUND,
  ROOM_CODE.NOT_A_MEMBER,
]);

export class Answers {
  #link;
  #room;
  #chat;
  #offs = [];
  /** By outputId. @type {Map<string, Answer>} */
  #all = new Map();
  /** Requests about which the broker is being asked. */
  #asking = new Set();
  /** Requests of other rooms. */
  #foreign = new Set();

  /**
   * @param {object} about
   * @param {import('./link.js').Link} about.link
   * @param {string} about.room
   * @param {object} about.chat
   * @param {(requestId: string) => boolean} about.chat.knows whether it is of this room
   * @param {(outputId: string) => boolean} about.chat.has whether the history has it
   * @param {() => void} about.chat.changed hears that there is more to read
   * @param {(requestId: string, state: string, error?: object) => void} about.chat.state
   *   hears what a request came to while we were away
   */
  constructor({ link, room, chat }) {
    this.#link = link;
    this.#room = room;
    this.#chat = chat;
  }

  open() {
    this.#offs = [
      this.#link.on(LLM, EVENT.STREAM_DATA, (chunk) => this.#chunk(chunk)),
      this.#link.on(LLM, EVENT.STREAM_END, (end) => this.#ended(end)),
    ];
  }

  close() {
    for (const off of this.#offs.splice(0)) off();
  }

  [Symbol.iterator]() {
    return this.#all.values();
  }

  /** The history has an answer now. @returns {Answer | undefined} what we have read of it */
  take(outputId) {
    const answer = this.#all.get(outputId);
    this.#all.delete(outputId);
    return answer;
  }

  /** What a crash of the broker broke off is in no history, and goes when this is said. */
  forgetEnded() {
    for (const { outputId, status } of this) if (status !== null) this.#all.delete(outputId);
  }

  /** Ask for what was missed of a request: of each answer all from its next chunk on. */
  async catchUp(requestId) {
    if (this.#asking.has(requestId)) return;
    this.#asking.add(requestId);
    const answers = this.#answersTo(requestId);
    for (const answer of answers) answer.pause();
    const from = Object.fromEntries(answers.map(({ outputId, next }) => [outputId, next]));
    try {
      const missed = await this.resume(requestId, from);
      this.#asking.delete(requestId);
      this.goOn(requestId, missed);
    } catch (refusal) {
      this.#asking.delete(requestId);
      if (NOT_OURS.has(refusal.code)) this.#disown(requestId, refusal);
    }
  }

  /** @param {number | Record<string, number>} from the next index wanted */
  resume(requestId, from) {
    const question = { requestId, roomName: this.#room, from };
    return this.#link.call(LLM, EVENT.RESUME_STREAM, question);
  }

  /** Go on from what `RESUME_STREAM` has given. */
  goOn(requestId, { state, outputs, error }) {
    const status = TERMINAL.has(state) ? state : 'completed';
    const missing = outputs
      .filter(({ outputId }) => !this.#chat.has(outputId))
      .map((output) => this.#answer(output.outputId, requestId).resume(output, status))
      .includes(false);
    for (const answer of this.#answersTo(requestId)) {
      answer.goOn();
      // Of one that a crash broke off the broker knows nothing: no more comes.
      if (TERMINAL.has(state) && !missing) answer.end({ status, chunks: answer.next });
    }
    this.#chat.state(requestId, state, error);
    if (missing) this.catchUp(requestId);
    this.#chat.changed();
  }

  #chunk(chunk) {
    const { outputId, requestId } = chunk;
    if (this.#foreign.has(requestId)) return;
    const begins = !this.#all.has(outputId);
    const answer = this.#answer(outputId, requestId);
    if (begins && this.#asking.has(requestId)) answer.pause();
    else if (begins && !this.#chat.knows(requestId)) this.catchUp(requestId);
    this.#read(answer, () => answer.take(chunk));
  }

  #ended(end) {
    const answer = this.#all.get(end.outputId);
    if (answer !== undefined) this.#read(answer, () => answer.end(end));
  }

  /** What can not be read yet is kept by the answer until we have caught up. */
  #read(answer, read) {
    if (!read()) {
      this.catchUp(answer.requestId);
      read();
    }
    this.#chat.changed();
  }

  /** The broker knows nothing of it: it is another room's, or was forgotten. */
  #disown(requestId, { message, code }) {
    for (const { outputId } of this.#answersTo(requestId)) this.#all.delete(outputId);
    if (this.#chat.knows(requestId)) this.#chat.state(requestId, 'failed', { message, code });
    else this.#foreign.add(requestId);
    this.#chat.changed();
  }

  #answer(outputId, requestId) {
    const answer = this.#all.get(outputId) ?? new Answer(outputId, requestId);
    this.#all.set(outputId, answer);
    return answer;
  }

  #answersTo(requestId) {
    return [...this].filter((answer) => answer.requestId === requestId);
  }
}
