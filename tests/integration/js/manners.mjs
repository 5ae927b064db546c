// How events may be said: arguments, names, and the rude ones.

import { connectClient, Peer, play } from './tavern.mjs';

/** Send a packet the client library would refuse to make. */
function raw(socket, data) {
  socket.packet({ type: 2, data, options: { compress: true } });
}

/** Every form a handler must understand, with an ack and without. */
async function argumentForms({ url, clientId }) {
  const peer = await connectClient(url, { clientId, namespaces: ['/llm', '/rooms'] });
  const socket = peer.socketOf('/rooms');
  const name = { roomName: clientId };
  const withData = await peer.ask('/rooms', 'GET_CLIENTS_IN_ROOM', name);
  const bare = await peer.ask('/rooms', 'GET_CLIENTS_IN_ROOM', clientId);
  const nothing = await peer.ask('/rooms', 'GET_CLIENTS_IN_ROOM');
  const nullData = await peer.ask('/rooms', 'GET_CLIENTS_IN_ROOM', null);
  const emptyData = await peer.ask('/rooms', 'GET_CLIENTS_IN_ROOM', {});
  socket.emit('GET_CLIENTS_IN_ROOM', name);
  socket.emit('GET_CLIENTS_IN_ROOM');
  const error = await peer.tap('/rooms').first('ERROR');
  const ackOnly = await peer.ask('/auth', 'GET_SILLYTAVERN_EXTENSION');
  return { withData, bare, nothing, nullData, emptyData, error, ackOnly };
}

async function areYouThere({ url, clientId }) {
  const peer = await connectClient(url, { clientId });
  const ack = await peer.ask('/llm', 'message', {
    data: 'Connection active?',
    target: 'server',
  });
  const bare = await peer.ask('/llm', 'message', 'Connection active?');
  await peer.barrier();
  return { ack, bare, messages: peer.tap().all('message') };
}

/** Events with the library's own names, and one without a name. */
async function forged({ url, clientId, victimId }) {
  const peer = await connectClient(url, {
    clientId,
    namespaces: ['/llm', '/auth', '/rooms'],
  });
  for (const namespace of ['/llm', '/auth']) {
    const socket = peer.socketOf(namespace);
    raw(socket, ['connect', { clientId: victimId }, { clientId: victimId }]);
    raw(socket, ['connect', { clientId: victimId, clientType: 'monitor' }]);
    raw(socket, ['disconnect', 'client namespace disconnect']);
    raw(socket, ['disconnect']);
    raw(socket, ['connect_error', { message: 'boo' }]);
  }
  const alive = await peer.barrier();
  const auth = await peer.ask('/auth', 'GET_SILLYTAVERN_EXTENSION');
  const own = await peer.ask('/rooms', 'GET_CLIENTS_IN_ROOM', clientId);
  const victims = await peer.ask('/rooms', 'GET_CLIENTS_IN_ROOM', victimId);
  const connects = peer.tap().records('connect').length;
  const drops = peer.tap().records('disconnect').length;
  return { alive, auth, own, victims, connects, drops };
}

async function nameless({ url, clientId }) {
  const peer = await connectClient(url, { clientId });
  raw(peer.llm, [null, { data: 'after a drop' }]);
  raw(peer.llm, [null]);
  const alive = await peer.barrier();
  return { alive, drops: peer.tap().records('disconnect').length };
}

/** Both spellings of the farewell. */
async function farewell({ url, clientId, event }) {
  const peer = await connectClient(url, { clientId });
  peer.llm.emit(event, 'closing time');
  const reason = await peer.tap().first('disconnect');
  return { reason, other: await peer.ask('/auth', 'GET_SILLYTAVERN_EXTENSION') };
}

/** A connection that joins nothing is not one yet; it may still be refused. */
async function unknownNamespace({ url, clientId }) {
  const known = await connectClient(url, { clientId });
  known.socketOf('/nowhere');
  const error = await known.tap('/nowhere').first('connect_error');
  return {
    message: error.message,
    data: error.data ?? null,
    alive: await known.barrier(),
  };
}

/** An order whose text or id is missing or malformed. */
async function badOrders({ url, clientId, orders }) {
  const peer = await connectClient(url, { clientId });
  const acks = [];
  for (const order of orders) acks.push(await peer.ask('/llm', 'LLM_REQUEST', order));
  return { acks, alive: await peer.barrier() };
}

/** A key from a connection without TEMP_ROOM survives in the next one. */
async function keyOutlivesConnection({ url, clientId }) {
  const first = await connectClient(url, { clientId });
  const { key } = first.auth;
  await first.leave();
  const second = new Peer(url, { clientId, key });
  await second.join('/llm');
  const answer = await second.ask('/llm', 'CANCEL_REQUEST', { requestId: 'nothing' });
  return { answer, temporary: second.tap().all('TEMP_ROOM_ASSIGNED') };
}

play({
  argumentForms,
  areYouThere,
  forged,
  nameless,
  farewell,
  unknownNamespace,
  badOrders,
  keyOutlivesConnection,
});
