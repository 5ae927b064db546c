/**
 * From SillyTavern's cumulative text to what is new in it.
 *
 * Owns how much of an answer has been passed on. Must never pass a half of a
 * character on: the next text brings the other.
 */

const TRAILING_HALF = /[\uD800-\uDBFF]$/;

/** What several messages of one answer (a group's) are joined by. */
export const BETWEEN = '\n\n';

export class Deltas {
  #before = '';
  #seen = '';

  /** All that has been passed on. */
  get sent() {
    return this.#before + this.#seen;
  }

  /**
   * @param {string} cumulative the text of the current message so far
   * @returns {string} what is new, perhaps nothing
   */
  next(cumulative) {
    const whole = cumulative.replace(TRAILING_HALF, '');
    if (!whole.startsWith(this.#seen)) return '';
    const news = whole.slice(this.#seen.length);
    this.#seen = whole;
    return news;
  }

  /**
   * Another message of the same answer begins.
   * @returns {string} what comes between the two
   */
  turnPage() {
    if (!this.sent) return '';
    this.#before = this.sent + BETWEEN;
    this.#seen = '';
    return BETWEEN;
  }
}
