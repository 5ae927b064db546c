/**
 * One answer as it comes: its chunks put together, each exactly once.
 *
 * Owns the text so far. Every chunk has an `index`, counted from 0 without gaps; where
 * the broker joined some for a slow reader, `firstIndex` is the first of them. Sends
 * nothing: who sees a gap asks the broker, and hands over what it said.
 */

export class Answer {
  /** The whole text so far. */
  text = '';
  /** The index that comes next; what is below it has been read. */
  next = 0;
  /** How it ended, null while it goes on. */
  status = null;
  /** What came while the broker was asked; null when nothing is asked. */
  #meanwhile = null;

  /**
   * @param {string} outputId the answer's own; a request may have several
   * @param {string} requestId what it answers
   */
  constructor(outputId, requestId) {
    this.outputId = outputId;
    this.requestId = requestId;
  }

  /**
   * Read a chunk. One that was read before is passed over.
   * @returns {boolean} false where chunks before it are missing: it was not read
   */
  take({ data, index, firstIndex = index }) {
    if (this.#meanwhile !== null) {
      this.#meanwhile.push(() => this.take({ data, index, firstIndex }));
      return true;
    }
    if (index < this.next) return true;
    if (firstIndex !== this.next) return false;
    this.text += data;
    this.next = index + 1;
    return true;
  }

  /**
   * No more comes. The final text, if there is one, replaces what was streamed.
   * @param {object} end
   * @param {string} end.status how it ended
   * @param {number} end.chunks how many there were
   * @param {string} [end.finalText]
   * @returns {boolean} false where some of it is missing: it has not ended for us
   */
  end({ status, chunks, finalText = null }) {
    if (this.#meanwhile !== null) {
      this.#meanwhile.push(() => this.end({ status, chunks, finalText }));
      return true;
    }
    if (finalText === null && this.next < chunks) return false;
    this.text = finalText ?? this.text;
    this.status = status;
    return true;
  }

  /** Keep what comes from now on, until `resume` or `goOn`. */
  pause() {
    this.#meanwhile ??= [];
  }

  /**
   * Read what was missed since `next`, as `RESUME_STREAM` gives it, then what was kept.
   * @returns {boolean} false where some of it is missing still
   */
  resume({ text, next, done, finalText }, status) {
    this.text += text;
    this.next = Math.max(this.next, next);
    const kept = this.goOn();
    if (!done) return kept;
    return this.end({ status, chunks: next, finalText });
  }

  /**
   * Read what was kept since `pause`.
   * @returns {boolean} false where some of it is missing still
   */
  goOn() {
    const meanwhile = this.#meanwhile ?? [];
    this.#meanwhile = null;
    return meanwhile.every((read) => read());
  }
}
