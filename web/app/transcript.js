/**
 * What was said in one room, as far as it has been loaded, the oldest first.
 *
 * Owns the messages and their order: the history's own. Older ones come in pages that
 * may overlap what is here; new ones come one by one. Knows no wire and no page.
 */

export class Transcript {
  #messages = [];
  #byId = new Map();
  /** Where the next page goes. */
  #place = 0;
  /** Whether the very first message is here too. */
  complete = false;

  get messages() {
    return this.#messages;
  }

  get size() {
    return this.#messages.length;
  }

  /** @returns {object | undefined} */
  find(messageId) {
    return this.#byId.get(messageId);
  }

  /** Whether the order of an answer is here. */
  hasRequest(requestId) {
    return this.#messages.some((message) => message.requestId === requestId);
  }

  /** Whether an answer is here, which is to say that it has ended. */
  hasOutput(outputId) {
    return this.#messages.some((message) => message.outputId === outputId);
  }

  /**
   * Take the newest of the history as it is now, after an absence or for the first time.
   * What is older stays, if it is known to lie just before.
   * @param {object[]} newest
   * @param {object[]} [live] what was said while it was read
   * @param {boolean} [all] whether there is nothing older
   */
  renew(newest, live = [], all = newest.length === 0) {
    const at = all ? -1 : this.#indexOf(newest[0]?.messageId, 0);
    const older = at < 0 ? [] : this.#messages.slice(0, at);
    this.complete = all || (this.complete && at >= 0);
    this.#messages = [...older, ...newest];
    this.#place = 0;
    this.#index();
    for (const message of live) this.add(message);
  }

  /** Something new was said; known already, it is replaced. */
  add(message) {
    if (this.#byId.has(message.messageId)) {
      this.replace(message);
      return;
    }
    this.#byId.set(message.messageId, message);
    this.#messages.push(message);
  }

  /** The history is going to be read from its first message on. */
  startOver() {
    this.#place = 0;
  }

  /**
   * Put the next page of the history where it belongs.
   * @param {object[]} page
   */
  merge(page) {
    let fresh = [];
    for (const message of page) {
      if (!this.#byId.has(message.messageId)) {
        this.#byId.set(message.messageId, message);
        fresh.push(message);
        continue;
      }
      this.#insert(fresh);
      fresh = [];
      this.#place = this.#indexOf(message.messageId, this.#place) + 1;
    }
    this.#insert(fresh);
  }

  /** A message was edited; one that is not here is none of ours. */
  replace(message) {
    if (!this.#byId.has(message.messageId)) return;
    this.#byId.set(message.messageId, message);
    this.#messages[this.#indexOf(message.messageId, 0)] = message;
  }

  /** @param {string[]} messageIds */
  remove(messageIds) {
    const gone = new Set(messageIds);
    this.#keep((message) => !gone.has(message.messageId));
  }

  /** Everything of a kind was deleted; with both kinds the broker's own words go too. */
  clear({ requests, responses }) {
    this.#keep((message) => {
      if (message.isSystem) return !(requests && responses);
      return message.fromLlm ? !responses : !requests;
    });
  }

  /**
   * The messages in which a text occurs, whatever its case; all for no text.
   * @param {string} text
   */
  search(text) {
    const wanted = text.trim().toLowerCase();
    if (wanted === '') return this.#messages;
    return this.#messages.filter((message) => matches(message, wanted));
  }

  #keep(wanted) {
    this.#place = this.#messages.slice(0, this.#place).filter(wanted).length;
    this.#messages = this.#messages.filter(wanted);
    this.#index();
  }

  #index() {
    this.#byId = new Map(this.#messages.map((message) => [message.messageId, message]));
  }

  #insert(messages) {
    this.#messages.splice(this.#place, 0, ...messages);
    this.#place += messages.length;
  }

  /** In a page most come one after the other: look at the likely place first. */
  #indexOf(messageId, likely) {
    if (this.#messages[likely]?.messageId === messageId) return likely;
    return this.#messages.findIndex((message) => message.messageId === messageId);
  }
}

function matches(message, wanted) {
  return [textOf(message), message.identity].some((text) =>
    `${text ?? ''}`.toLowerCase().includes(wanted),
  );
}

/**
 * The words of a message, wherever its author has put them.
 * @returns {string}
 */
export function textOf({ message, data, messages }) {
  const said = message ?? data;
  if (typeof said === 'string' && said !== '') return said;
  if (typeof data === 'string') return data;
  if (Array.isArray(messages)) return messages.map(lineOf).join('\n');
  return said === undefined || said === null ? '' : textOfObject(said);
}

function textOfObject(said) {
  if (typeof said !== 'object') return `${said}`;
  return typeof said.prompt === 'string' ? said.prompt : JSON.stringify(said, null, 2);
}

function lineOf(said) {
  const content = said?.content;
  return `${said?.role ?? '?'}: ${typeof content === 'string' ? content : JSON.stringify(content)}`;
}
