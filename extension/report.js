/**
 * What the broker knows of this SillyTavern, kept up to date.
 *
 * Owns what was told last, so that nothing is told twice. Must never hold up the
 * events of SillyTavern that it listens to.
 */

import { EVENT } from './wire.js';

/** So many characters are listed: more would not fit a packet. */
const LISTED = 2_000;

const CHARACTERS_MAY_CHANGE = [
  'CHAT_CHANGED',
  'CHARACTER_EDITED',
  'CHARACTER_DELETED',
  'CHARACTER_DUPLICATED',
  'CHARACTER_RENAMED',
  'CHARACTER_PAGE_LOADED',
  'GROUP_UPDATED',
];

const MODEL_MAY_CHANGE = [
  'MAIN_API_CHANGED',
  'ONLINE_STATUS_CHANGED',
  'CHATCOMPLETION_SOURCE_CHANGED',
  'CHATCOMPLETION_MODEL_CHANGED',
  'SETTINGS_UPDATED',
];

/** Milliseconds in which several changes are one. */
const TOGETHER = 200;

export class Report {
  #tavern;
  #connection;
  #told = {};
  #timer = null;

  /**
   * @param {import('./tavern.js').Tavern} tavern
   * @param {import('./connection.js').Connection} connection
   */
  constructor(tavern, connection) {
    this.#tavern = tavern;
    this.#connection = connection;
    for (const name of [...CHARACTERS_MAY_CHANGE, ...MODEL_MAY_CHANGE]) {
      tavern.on(name, () => this.#soon());
    }
  }

  /** What IDENTIFY_SILLYTAVERN tells; it counts as told. */
  card() {
    const { version, settings } = this.#tavern;
    const now = this.#now();
    this.#told = texts(now);
    return { capacity: 1, context: settings.context, version, ...now };
  }

  #now() {
    const { characters, current, model } = this.#tavern;
    return { characters: characters.slice(0, LISTED), current, model };
  }

  #soon() {
    this.#timer ??= setTimeout(() => this.#tell(), TOGETHER);
  }

  #tell() {
    this.#timer = null;
    if (!this.#connection.open) return;
    const now = this.#now();
    const told = this.#told;
    const next = (this.#told = texts(now));
    if (next.characters !== told.characters || next.current !== told.current) {
      const { characters, current } = now;
      this.#connection.tell(EVENT.CHARACTERS_UPDATED, { characters, current });
    }
    if (next.model !== told.model) {
      this.#connection.tell(EVENT.CLIENT_SETTINGS, { model: now.model });
    }
  }
}

function texts(values) {
  const entries = Object.entries(values);
  return Object.fromEntries(entries.map(([name, value]) => [name, JSON.stringify(value)]));
}
