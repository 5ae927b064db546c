/**
 * One answer on its way to the broker, and all it takes to say it again.
 *
 * Owns the stream of one request: its chunks, numbered, and its end. Sends what there
 * is to say at once while the broker is there, and everything once more when it is
 * back: the broker takes each chunk once, whatever of it had arrived. It is over when
 * the broker has acknowledged the end, never before.
 */

import { randomSuffix } from './naming.js';
import { EVENT, TYPE } from './wire.js';

/** UTF-16 units in one chunk: far below the broker's limit for a packet. */
const LONGEST = 32 * 1024;
const HALF = /[\uD800-\uDBFF]$/;

/**
 * @typedef {object} Port the way to the broker
 * @property {() => boolean} open whether it is there now
 * @property {(event: string, data: object, ack?: () => void) => void} emit
 */

export class Answer {
  #port;
  #over;
  /** @type {string[]} */
  #chunks = [];
  #started = false;
  /** @type {{event: string, data: object} | null} */
  #end = null;

  /**
   * @param {string} requestId the broker's own
   * @param {Port} port
   * @param {() => void} over called once, when nothing more is to be done
   */
  constructor(requestId, port, over) {
    this.requestId = requestId;
    this.#port = port;
    this.#over = over;
    // Several SillyTaverns may answer one request: each answer has an id of its own.
    const id = `${requestId}-${randomSuffix()}`;
    this.#ids = { requestId, streamId: id, outputId: id };
  }

  #ids;

  /** The text that was written. */
  get text() {
    return this.#chunks.join('');
  }

  /** Whether its end has been said, if perhaps not heard. */
  get ended() {
    return this.#end !== null;
  }

  /** @param {string} text what is new of the answer */
  write(text) {
    if (this.ended) return;
    for (const piece of pieces(text)) {
      this.#start();
      const index = this.#chunks.push(piece) - 1;
      const first = index === 0 ? EVENT.STREAM_DATA_FIRST : EVENT.STREAM_DATA_MIDDLE;
      this.#say(first, { chunkIndex: index, data: piece });
    }
  }

  /** @param {string} text the authoritative text of the whole answer */
  finish(text) {
    this.#start();
    const differs = text === this.text ? {} : { finalText: text };
    this.#close(EVENT.STREAM_END, { ...this.#ids, type: 3, final: true, ...differs });
  }

  /** @param {{message: string, code: number}} error why there is no more of it */
  fail({ message, code }) {
    this.#close(EVENT.ERROR, { requestId: this.requestId, message, code });
  }

  /** The user has stopped it here; what came is kept. */
  cancel() {
    this.#close(EVENT.CANCEL_REQUEST, { requestId: this.requestId });
  }

  /** The broker wants no more of it. */
  drop() {
    if (this.#over === null) return;
    this.#end ??= { event: '', data: {} };
    this.#settle();
  }

  /** Say everything again: the broker may have missed any of it. */
  repeat() {
    if (this.#over === null) return;
    if (this.#started) this.#say(EVENT.STREAM_START);
    this.#chunks.forEach((data, chunkIndex) => {
      this.#say(EVENT.STREAM_DATA_RETRY, { chunkIndex, data });
    });
    this.#sayEnd();
  }

  #start() {
    if (this.#started || this.ended) return;
    this.#started = true;
    this.#say(EVENT.STREAM_START);
  }

  #say(event, fields = {}) {
    if (!this.#port.open()) return;
    this.#port.emit(event, { type: TYPE[event], ...this.#ids, ...fields });
  }

  #close(event, data) {
    if (this.ended) return;
    this.#end = { event, data };
    this.#sayEnd();
  }

  #sayEnd() {
    if (this.#end === null || !this.#port.open()) return;
    this.#port.emit(this.#end.event, this.#end.data, () => this.#settle());
  }

  #settle() {
    const over = this.#over;
    this.#over = null;
    over?.();
  }
}

/** @param {string} text */
function* pieces(text) {
  for (let from = 0; from < text.length; ) {
    let piece = text.slice(from, from + LONGEST);
    if (from + LONGEST < text.length) piece = piece.replace(HALF, '');
    yield piece;
    from += piece.length;
  }
}
