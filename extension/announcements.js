/**
 * SillyTavern's own events, for those who subscribed to them.
 *
 * Owns which are wanted. Tells nothing that nobody wants, and of messages no more
 * than where they are, unless the user lets others read the chat.
 */

import { described } from './functions.js';
import { EVENT } from './wire.js';

/** What clients may subscribe to, by what SillyTavern calls it. */
const MESSAGES = Object.freeze({
  MESSAGE_SENT: 'MESSAGE_SENT',
  MESSAGE_RECEIVED: 'MESSAGE_RECEIVED',
  MESSAGE_EDITED: 'MESSAGE_EDITED',
  MESSAGE_SWIPED: 'MESSAGE_SWIPED',
});

/** What we call the others. */
export const OTHERS = Object.freeze(['MESSAGE_DELETED', 'CHAT_CHANGED', 'CHARACTER_CHANGED']);

export class Announcements {
  #tavern;
  #connection;
  /** @type {Set<string>} as the subscribers spell them */
  #wanted = new Set();
  #character;

  /**
   * @param {import('./tavern.js').Tavern} tavern
   * @param {import('./connection.js').Connection} connection
   */
  constructor(tavern, connection) {
    this.#tavern = tavern;
    this.#connection = connection;
    this.#character = JSON.stringify(tavern.current);
    for (const name of Object.keys(MESSAGES)) {
      tavern.on(name, (id) => this.#message(name, Number(id)));
    }
    // SillyTavern says how many are left, not which has gone.
    tavern.on('MESSAGE_DELETED', (left) => this.#announce('MESSAGE_DELETED', { left }));
    tavern.on('CHAT_CHANGED', (chat) => this.#chatChanged(chat));
  }

  /** @param {{events?: string[]}} wish the broker's word on what is wanted of us */
  want({ events = [] } = {}) {
    this.#wanted = new Set(events);
  }

  #message(name, id) {
    const message = this.#tavern.chat[id];
    const { readChat } = this.#tavern.settings.allow;
    const more = readChat && message ? { message: described(message, id) } : {};
    this.#announce(name, { id, ...more });
  }

  #chatChanged(chat) {
    const { current } = this.#tavern;
    this.#announce('CHAT_CHANGED', { chat: chat ?? null, current });
    const character = JSON.stringify(current);
    if (character === this.#character) return;
    this.#character = character;
    this.#announce('CHARACTER_CHANGED', { current });
  }

  /** Under each spelling that somebody wants: `message_received` means the same. */
  #announce(name, data) {
    for (const event of this.#wanted) {
      if (event.toUpperCase() !== name) continue;
      this.#connection.tell(EVENT.SILLYTAVERN_EVENT, { event, data });
    }
  }
}
