/** The policies, and what assignments become when somebody changes them. */

/** All of them, as the protocol spells them. */
export const POLICIES = Object.freeze(['Free', 'Manual', 'Balanced', 'Broadcast', 'Random']);

/** Those that give each room one of their own choice. */
export const ONE_EACH = Object.freeze(new Set(['Balanced', 'Random']));

/** The one under which a monitor assigns. */
export const BY_HAND = 'Manual';

/** The instances of a room with one more. */
export function added(assigned, identity) {
  return assigned.includes(identity) ? assigned : [...assigned, identity];
}

/** The instances of a room without one. */
export function removed(assigned, identity) {
  return assigned.filter((each) => each !== identity);
}

/** The instances that a room could be given besides. */
export function addable(assigned, identities) {
  return identities.filter((identity) => !assigned.includes(identity));
}

/**
 * The rooms that match some words, by name or by an instance of theirs, in order:
 * those without any instance first, for nobody answers there.
 *
 * @param {Record<string, string[]>} assignments
 * @returns {{room: string, assigned: string[]}[]}
 */
export function roomsOf(assignments, words) {
  const wanted = words.toLowerCase();
  const named = (text) => text.toLowerCase().includes(wanted);
  return Object.entries(assignments)
    .map(([room, assigned]) => ({ room, assigned }))
    .filter(({ room, assigned }) => named(room) || assigned.some(named))
    .sort(
      (one, other) =>
        Number(one.assigned.length > 0) - Number(other.assigned.length > 0) ||
        one.room.localeCompare(other.room),
    );
}

/** What part of the requests was answered, from 0 to 1; null where none has ended. */
export function successRate({ completed, failed }) {
  const ended = completed + failed;
  return ended === 0 ? null : completed / ended;
}
