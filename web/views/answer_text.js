/**
 * The text of a request's answers, put together from what RESUME_STREAM gives.
 *
 * Owns the text of each output and the next index wanted of it. Does no I/O: `wanted`
 * is what to ask, `take` is told the ack.
 */
export class AnswerText {
  #outputs = new Map();

  /** The `from` of the next question. */
  get wanted() {
    return Object.fromEntries(
      [...this.#outputs].map(([outputId, { next }]) => [outputId, next]),
    );
  }

  /** The outputs in the order in which they came, as `{outputId, text, done}`. */
  get outputs() {
    return [...this.#outputs.values()];
  }

  /**
   * Go on with what an ack brought. Outputs it does not name are no more: the request
   * went from one SillyTavern to another.
   */
  take(outputs) {
    const before = this.#outputs;
    this.#outputs = new Map();
    for (const { outputId, text, next, done, finalText } of outputs) {
      const had = before.get(outputId)?.text ?? '';
      const whole = finalText ?? had + text;
      this.#outputs.set(outputId, { outputId, text: whole, next, done });
    }
  }
}

/**
 * How a text becomes another with the least work on the page.
 *
 * @returns {{keep: boolean, add: string}} whether what is shown stays, and what follows
 */
export function growth(shown, text) {
  const keep = text.startsWith(shown);
  return { keep, add: keep ? text.slice(shown.length) : text };
}
