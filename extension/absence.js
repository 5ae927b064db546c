/**
 * How long a broker that stops has asked to be left alone.
 *
 * Owns that time until it is used. Says it in `WARNING` to who is connected, and in its
 * answer to who is not. Must never believe more than a sane broker would say.
 */

/** Milliseconds for which a broker may ask to be left alone. */
const LONGEST = 120_000;

export class Absence {
  #ms = 0;

  /** @param {{retryAfter?: unknown}} [said] a `WARNING`, or a refusal */
  hear(said) {
    const seconds = said?.retryAfter;
    if (Number.isFinite(seconds) && seconds > 0) this.#ms = Math.min(seconds * 1_000, LONGEST);
  }

  /**
   * Hear what was answered instead of a connection. At once: the library takes it away.
   * @param {{context?: {responseText?: string}}} error
   */
  hearRefusal({ context }) {
    try {
      this.hear(JSON.parse(context.responseText));
    } catch {
      // Nobody was there, or somebody else than a broker.
    }
  }

  /** @returns {number} milliseconds, to be waited for once; 0 if nothing was asked */
  take() {
    const ms = this.#ms;
    this.#ms = 0;
    return ms;
  }
}
