// Connection policies: which extensions a room may use, and who says so.

import {
  Answer,
  connectClient,
  ended,
  fakeExtension,
  play,
  requestOf,
  tell,
} from './tavern.mjs';

const monitorOf = (url) =>
  connectClient(url, {
    clientId: 'monitor',
    clientType: 'monitor',
    namespaces: ['/rooms'],
  });

const guestOf = (url, clientId) =>
  connectClient(url, { clientId, namespaces: ['/llm', '/rooms'] });

const setPolicy = (monitor, policy) =>
  monitor.ask('/rooms', 'SET_CONNECTION_POLICY', { policy });

const assign = (monitor, clientRoom, extensions) =>
  monitor.ask('/rooms', 'ASSIGN_EXTENSION_TO_CLIENT', { clientRoom, extensions });

const assignmentsOf = (peer, roomName) =>
  peer.ask('/rooms', 'GET_ASSIGNMENTS_FOR_ROOM', { roomName });

async function connectAll(url, extensions, options = {}) {
  const taverns = [];
  for (const clientId of extensions) {
    taverns.push(await fakeExtension(url, { clientId, ...options }));
  }
  return taverns;
}

/** The policy as it is asked for, set in both forms, and set to what there is not. */
async function policy({ url }) {
  const monitor = await monitorOf(url);
  const guest = await guestOf(url, 'guest-1');
  const get = () => guest.ask('/rooms', 'GET_CONNECTION_POLICY');
  return {
    first: await get(),
    byGuest: await setPolicy(guest, 'Manual'),
    unknown: await setPolicy(monitor, 'manual'),
    untouched: await get(),
    set: await setPolicy(monitor, 'Balanced'),
    then: await get(),
    bare: await monitor.ask('/rooms', 'SET_CONNECTION_POLICY', 'Manual'),
    last: await get(),
  };
}

/** What is in force, as a fresh monitor finds it. */
async function inForce({ url, room }) {
  const monitor = await monitorOf(url);
  return {
    policy: (await monitor.ask('/rooms', 'GET_CONNECTION_POLICY')).policy,
    all: (await monitor.ask('/rooms', 'GET_ASSIGNMENTS')).assignments,
    one: (await assignmentsOf(monitor, room)).assignments,
  };
}

/** Manual: nothing, then something, then what that lets a client do. */
async function manual({ url, extensions, stay = false }) {
  await connectAll(url, extensions, { behaviour: tell('yes') });
  const monitor = await monitorOf(url);
  const guest = await guestOf(url, 'guest-1');
  const free = await assign(monitor, 'guest-1', extensions);
  await setPolicy(monitor, 'Manual');
  const nothing = await guest.order({ requestId: 'r1' });
  const assigned = await assign(monitor, 'guest-1', [extensions[0]]);
  const result = {
    free,
    nothing,
    assigned,
    unknownExtension: await assign(monitor, 'guest-1', ['nobody']),
    unknownRoom: await assign(monitor, 'nowhere', []),
    byGuest: await assign(guest, 'guest-1', extensions),
    asked: await guest.ask('/rooms', 'GET_ASSIGNMENTS_FOR_ROOM', 'guest-1'),
    all: await guest.ask('/rooms', 'GET_ASSIGNMENTS'),
    outside: await guest.order({ requestId: 'r2', target: extensions[1] }),
    inside: await guest.order({ requestId: 'r3', target: extensions[0] }),
    chosen: await guest.order({ requestId: 'r4' }),
  };
  const answers = [await ended(guest, 'r3'), await ended(guest, 'r4')];
  if (!stay) await assign(monitor, 'guest-1', []);
  return { ...result, answers: answers.map(({ statuses }) => statuses.at(-1)) };
}

/** One room each: an order, and a target outside what the room was given. */
async function oneEach({ url, policy: name, extensions, clientIds }) {
  await connectAll(url, extensions, { behaviour: tell('yes') });
  const monitor = await monitorOf(url);
  await setPolicy(monitor, name);
  const rooms = {};
  const outside = [];
  for (const clientId of clientIds) {
    const guest = await guestOf(url, clientId);
    await guest.order({ requestId: 'r1' });
    const { extension } = (await ended(guest, 'r1')).statuses.at(-1);
    rooms[clientId] = extension;
    const target = extensions.find((each) => each !== extension);
    outside.push((await guest.order({ requestId: 'r2', target })).code);
  }
  const { assignments } = await monitor.ask('/rooms', 'GET_ASSIGNMENTS');
  return { rooms, outside, assignments };
}

/** Broadcast: all are asked; the first is lost before it says a word. */
async function broadcast({ url, extensions, lose = false }) {
  const taverns = await connectAll(url, extensions);
  const monitor = await monitorOf(url);
  await setPolicy(monitor, 'Broadcast');
  const guest = await guestOf(url, 'guest-1');
  const ack = await guest.order({ requestId: 'r1' });
  const [first, ...others] = await Promise.all(
    taverns.map(async (tavern) => new Answer(tavern, await requestOf(tavern))),
  );
  if (lose) await first.extension.leave();
  else tell(extensions[0])(first);
  for (const answer of others) tell(answer.extension.auth.clientId)(answer);
  const result = await ended(guest, 'r1', lose ? others.length : taverns.length);
  const orders = taverns.map((tavern) => tavern.tap().all('LLM_REQUEST').length);
  return { ack, orders, ...result };
}

async function connected({ url, extensions, clientIds }) {
  const [gone] = await connectAll(url, extensions);
  const [guest] = await Promise.all(clientIds.map((clientId) => guestOf(url, clientId)));
  await gone.leave();
  return {
    extensions: await guest.ask('/rooms', 'GET_CONNECTED_EXTENSIONS'),
    rooms: await guest.ask('/rooms', 'GET_CONNECTED_CLIENT_ROOMS'),
  };
}

/** What a client hears of its own room as extensions and policies come and go. */
async function pushed({ url, extensions }) {
  const monitor = await monitorOf(url);
  const guest = await guestOf(url, 'guest-1');
  const others = await guestOf(url, 'guest-2');
  const tap = guest.tap('/rooms');
  const hears = (list) =>
    tap.first('AVAILABLE_EXTENSIONS', (data) => `${data.extensions}` === `${list}`);
  const [first] = await connectAll(url, [extensions[0]]);
  await hears([extensions[0]]);
  await connectAll(url, [extensions[1]]);
  await hears(extensions);
  await first.leave();
  await hears([extensions[1]]);
  await setPolicy(monitor, 'Manual');
  await hears([]);
  const before = others.tap('/rooms').all('AVAILABLE_EXTENSIONS').length;
  await assign(monitor, 'guest-1', [extensions[1]]);
  await tap.first(
    'AVAILABLE_EXTENSIONS',
    (data) => `${data.extensions}` === extensions[1],
    2,
  );
  await others.ask('/rooms', 'GET_CONNECTION_POLICY');
  const after = others.tap('/rooms').all('AVAILABLE_EXTENSIONS').length;
  return { heard: tap.all('AVAILABLE_EXTENSIONS'), othersHeard: after - before };
}

play({ policy, inForce, manual, oneEach, broadcast, connected, pushed });
