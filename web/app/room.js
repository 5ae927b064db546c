/**
 * One room as an operator has it: its mode, and that it is there at all.
 *
 * Owns what `GET_ROOMS` says of it, kept up to date while we are in it.
 */

import { EVENT } from './room_events.js';
import { NAMESPACE } from './wire.js';

const { ROOMS } = NAMESPACE;

/** @returns {Promise<object[]>} all rooms: `{roomName, mode, members, master, open, keep}` */
export async function listRooms(link) {
  const { details } = await link.call(ROOMS, EVENT.GET_ROOMS, {});
  return details;
}

/** @param {{roomName: string, mode?: string, open?: boolean, password?: string, keep?: boolean}} wishes */
export function createRoom(link, wishes) {
  return link.call(ROOMS, EVENT.CREATE_ROOM, wishes);
}

export function deleteRoom(link, roomName) {
  return link.call(ROOMS, EVENT.DELETE_ROOM, { roomName });
}

export class Room extends EventTarget {
  #link;
  #off = () => {};
  /** How often we have heard of a new mode. */
  #heard = 0;
  details = { mode: 'Default' };

  constructor({ link, room }) {
    super();
    this.#link = link;
    this.name = room;
  }

  open() {
    this.#off = this.#link.on(ROOMS, EVENT.ROOM_MODE_CHANGED, ({ roomName, mode }) => {
      if (roomName !== this.name) return;
      this.#heard += 1;
      this.#take({ mode });
    });
  }

  close() {
    this.#off();
  }

  /** @returns {Promise<boolean>} whether it is there */
  async load() {
    const rooms = await listRooms(this.#link);
    const details = rooms.find(({ roomName }) => roomName === this.name);
    if (details !== undefined) this.#take(details);
    return details !== undefined;
  }

  async setMode(mode) {
    const before = this.#heard;
    await this.#link.call(ROOMS, EVENT.SET_ROOM_MODE, { roomName: this.name, mode });
    // Somebody else may have changed it since: what was heard is newer than the ack.
    if (this.#heard === before) this.#take({ mode });
  }

  delete() {
    return deleteRoom(this.#link, this.name);
  }

  #take(details) {
    this.details = { ...this.details, ...details };
    this.dispatchEvent(new Event('room'));
  }
}
