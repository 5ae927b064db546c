// People who share rooms: who they are, and what they say to the broker about rooms.

import { connectClient } from './tavern.mjs';

/** A client that may order and that hears of its rooms. */
export function guestOf(url, clientId, more = {}) {
  return connectClient(url, { clientId, namespaces: ['/llm', '/rooms'], ...more });
}

/** The monitor, where the settings let it have a key. */
export function monitorOf(url, more = {}) {
  return guestOf(url, 'monitor', { clientType: 'monitor', ...more });
}

/** Several clients, in their order. */
export async function guestsOf(url, clientIds) {
  const guests = [];
  for (const clientId of clientIds) guests.push(await guestOf(url, clientId));
  return guests;
}

/** Ask in `/rooms`; the ack, whatever it is. */
export function inRooms(peer, event, data) {
  return peer.ask('/rooms', event, data);
}

/** Ask for what the scenario can not go on without. */
export async function mustIn(namespace, peer, event, data) {
  const ack = await peer.ask(namespace, event, data);
  if (ack.status !== 'ok') throw new Error(`${event}: ${ack.message} (${ack.code})`);
  return ack;
}

/** The same in `/rooms`. */
export function must(peer, event, data) {
  return mustIn('/rooms', peer, event, data);
}

/** A room of somebody's, with members that it adds, in some roles. */
export async function roomOf(master, roomName, members = {}, settings = {}) {
  await must(master, 'CREATE_ROOM', { roomName, ...settings });
  for (const [identity, role] of Object.entries(members)) {
    await must(master, 'ADD_CLIENT_TO_ROOM', { roomName, identity, role });
  }
}

/** Have heard all that the broker has told so far. */
export async function settle(...peers) {
  await Promise.all(peers.map((peer) => peer.ask('/rooms', 'GET_CONNECTION_POLICY')));
}

/** What several events in `/rooms` of one peer said, by the events' names. */
export function toldInRooms(peer, ...events) {
  const tap = peer.tap('/rooms');
  return Object.fromEntries(events.map((event) => [event, tap.all(event)]));
}
