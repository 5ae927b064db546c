/**
 * Who is in a room, as what, and what may be done to them.
 *
 * Owns the list, kept up to date by what the room hears while we are in it. Must not
 * decide what is allowed: the broker refuses what is not.
 */

import { EVENT } from './room_events.js';
import { NAMESPACE } from './wire.js';

const { ROOMS } = NAMESPACE;

export class RoomMembers extends EventTarget {
  #link;
  #room;
  #offs = [];
  /** By identity, as `GET_CLIENTS_IN_ROOM` has them. @type {Map<string, object>} */
  all = new Map();

  constructor({ link, room }) {
    super();
    this.#link = link;
    this.#room = room;
  }

  open() {
    this.#offs = [
      this.#here(EVENT.MEMBER_JOINED, () => this.load()),
      this.#here(EVENT.MEMBER_LEFT, ({ identity }) => this.#drop(identity)),
      this.#here(EVENT.MEMBER_ROLE_CHANGED, ({ identity, role }) => this.#set(identity, { role })),
      this.#here(EVENT.MEMBER_MUTED, ({ identity, mutedUntil }) =>
        this.#set(identity, { mutedUntil }),
      ),
      this.#here(EVENT.MEMBER_UNMUTED, ({ identity }) =>
        this.#set(identity, { mutedUntil: undefined }),
      ),
    ];
  }

  close() {
    for (const off of this.#offs.splice(0)) off();
  }

  async load() {
    const { clients } = await this.#ask(EVENT.GET_CLIENTS_IN_ROOM, {});
    this.all = new Map(clients.map((member) => [member.identity, member]));
    this.#say();
  }

  has(identity) {
    return this.all.has(identity);
  }

  /** @param {string} identity @param {string} role */
  add(identity, role) {
    return this.#change(EVENT.ADD_CLIENT_TO_ROOM, { identity, role });
  }

  setRole(targetIdentity, role) {
    return this.#change(EVENT.SET_MEMBER_ROLE, { targetIdentity, role });
  }

  /** Put somebody out until added again. */
  kick(targetIdentity) {
    return this.#change(EVENT.KICK_MEMBER, { targetIdentity });
  }

  /** Take somebody out, who may come in again. */
  remove(targetIdentity) {
    return this.#change(EVENT.REMOVE_CLIENT_FROM_ROOM, { targetIdentity });
  }

  /** @param {number} duration seconds; 0: until unmuted */
  mute(targetIdentity, duration) {
    return this.#change(EVENT.MUTE_MEMBER, { targetIdentity, duration });
  }

  unmute(targetIdentity) {
    return this.#change(EVENT.UNMUTE_MEMBER, { targetIdentity });
  }

  /** We hear of changes only in rooms we are in: look, wherever we are. */
  async #change(event, data) {
    await this.#ask(event, data);
    await this.load();
  }

  #drop(identity) {
    this.all.delete(identity);
    this.#say();
  }

  #set(identity, fields) {
    const known = this.all.get(identity);
    if (known === undefined) return;
    this.all.set(identity, { ...known, ...fields });
    this.#say();
  }

  #here(event, hear) {
    return this.#link.on(ROOMS, event, (data) => {
      if (data.roomName === this.#room) hear(data);
    });
  }

  #ask(event, data) {
    return this.#link.call(ROOMS, event, { roomName: this.#room, ...data });
  }

  #say() {
    this.dispatchEvent(new Event('members'));
  }
}

/** Whether somebody may not speak now; a mute without an end has `mutedUntil: null`. */
export function isMuted({ mutedUntil }, now = Date.now()) {
  return mutedUntil === null || (mutedUntil !== undefined && Date.parse(mutedUntil) > now);
}
