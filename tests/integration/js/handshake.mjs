// The door: who is let in, as what, and what it is told.

import { connectClient, Peer, play, Refused } from './tavern.mjs';

const NAMESPACES = [
  '/',
  '/auth',
  '/llm',
  '/function_call',
  '/rooms',
  '/clients',
  '/sillytavern',
  '/debug',
];

/** Try one namespace: the refusal, or `null` when let in. */
async function knock(peer, namespace) {
  try {
    await peer.join(namespace);
    return null;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return error.refusal;
  }
}

function visitor(url, auth, options = {}) {
  return new Peer(url, auth, { reconnection: false, ...options });
}

/** One try with exactly this `auth`, in one namespace. */
async function join({ url, auth, namespace = '/llm', options }) {
  const peer = visitor(url, auth, options);
  const refusal = await knock(peer, namespace);
  if (refusal !== null) await peer.leave();
  return refusal;
}

/** One try in each of the eight namespaces, a connection each. */
async function everywhere({ url, auth }) {
  const answers = {};
  for (const namespace of NAMESPACES) {
    answers[namespace] = await knock(visitor(url, auth), namespace);
  }
  return answers;
}

/** With a key, all eight namespaces over one connection. */
async function withKey({ url, clientId }) {
  const peer = await connectClient(url, { clientId, namespaces: NAMESPACES });
  return NAMESPACES.filter((namespace) => peer.socketOf(namespace).connected);
}

/** Without a key: what it is told, and what it may do. */
async function unverified({ url, clientId, otherId }) {
  const peer = new Peer(url, { clientId, clientType: 'web-app' });
  for (const namespace of ['/', '/auth', '/llm', '/rooms', '/clients']) {
    await peer.join(namespace);
  }
  const assigned = await peer.tap('/llm').first('TEMP_ROOM_ASSIGNED');
  const refused = {
    order: await peer.order({ requestId: 'r1' }),
    message: await peer.ask('/llm', 'message', { data: 'Hello', target: 'server' }),
    createRoom: await peer.ask('/rooms', 'CREATE_ROOM', { roomName: 'mine' }),
    extensions: await peer.ask('/auth', 'GET_SILLYTAVERN_EXTENSION'),
    clients: await peer.ask('/clients', 'GET_CLIENT_LIST'),
    othersKey: await peer.ask('/auth', 'GET_CLIENT_KEY', { clientId: otherId }),
  };
  const alive = await peer.barrier();
  const key = await peer.ask('/auth', 'GET_CLIENT_KEY', { clientId });
  return { assigned, refused, alive, key };
}

/** `getKey` in /auth: both events, and the key opens another connection. */
async function getKey({ url, clientId }) {
  const peer = new Peer(url, { clientId, clientType: 'web-app', key: 'getKey' });
  await peer.join('/auth');
  const current = await peer.tap('/auth').first('GET_CLIENT_KEY');
  const older = await peer.tap('/auth').first('CLIENT_KEY');
  await peer.join('/llm');
  const verified = await peer.ask('/llm', 'CANCEL_REQUEST', { requestId: 'nothing' });
  const other = await connectClient(url, { clientId, key: current.key });
  return { current, older, verified, elsewhere: await other.barrier() };
}

/** A second key; the first goes on working. */
async function secondKey({ url, clientId }) {
  const peer = await connectClient(url, { clientId });
  const { status, key } = await peer.ask('/auth', 'GET_CLIENT_KEY', { clientId });
  const results = [];
  for (const candidate of [peer.auth.key, key]) {
    results.push(await join({ url, auth: { clientId, key: candidate } }));
  }
  return { status, first: peer.auth.key, second: key, results };
}

/** Whose live identity it is, it stays. */
async function takenIdentity({ url, clientId, thiefId, identity }) {
  await connectClient(url, { clientId, identity });
  return join({ url, auth: { clientId: thiefId, identity } });
}

/** Ask /auth for a key; what comes until the next answer has come. */
async function askForKey({ url, auth }) {
  const peer = new Peer(url, { key: 'getKey', ...auth });
  await peer.join('/auth');
  await peer.join('/llm');
  const ack = await peer.ask('/auth', 'GET_CLIENT_KEY', { clientId: auth.clientId });
  await peer.barrier();
  return { ack, events: peer.tap('/auth').all('GET_CLIENT_KEY') };
}

/** Connect until it is let in, or until the deadline. */
async function untilTrusted({ url, auth, milliseconds }) {
  const deadline = Date.now() + milliseconds;
  let refusal;
  do {
    refusal = await join({ url, auth });
  } while (refusal !== null && Date.now() < deadline);
  return refusal;
}

/** Over one transport, what the manager itself says when it is refused. */
async function fromOrigin({ url, auth, origin, transport }) {
  const options = { transports: [transport], extraHeaders: { Origin: origin } };
  return join({ url, auth, options });
}

play({
  join,
  everywhere,
  withKey,
  unverified,
  getKey,
  secondKey,
  takenIdentity,
  askForKey,
  untilTrusted,
  fromOrigin,
});
