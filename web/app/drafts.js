/**
 * What the operator has begun to write in rooms, and to whom.
 *
 * Owns it while the page is open: a room is drawn anew with each other language, and
 * left and opened again. Must forget it when somebody else may come to the desk.
 */

/** @typedef {{text: string, target: string}} Draft */

const NOTHING = Object.freeze({ text: '', target: '' });

export class Drafts {
  #byRoom = new Map();

  /** @returns {Draft} */
  of(room) {
    return this.#byRoom.get(room) ?? NOTHING;
  }

  /** @param {string} room @param {Draft} draft */
  keep(room, { text, target }) {
    if (text === '' && target === '') this.#byRoom.delete(room);
    else this.#byRoom.set(room, { text, target });
  }

  forget() {
    this.#byRoom.clear();
  }
}
