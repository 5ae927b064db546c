// Requests that are taken back, by those who may and those who may not.

import {
  Answer,
  connectClient,
  ended,
  fakeExtension,
  heard,
  play,
  requestOf,
} from './tavern.mjs';

async function party({ url, clientId, extension, namespaces }) {
  const tavern = await fakeExtension(url, {
    clientId: extension,
    identify: { capacity: 1 },
  });
  return { tavern, client: await connectClient(url, { clientId, namespaces }) };
}

function cancel(peer, fields) {
  return peer.ask('/llm', 'CANCEL_REQUEST', fields);
}

async function queued({ extension, ...parameters }) {
  const { tavern, client } = await party({ extension, ...parameters });
  await client.order({ requestId: 'r1', target: extension });
  await client.order({ requestId: 'r2', target: extension });
  const ack = await cancel(client, { requestId: 'r2' });
  const result = await ended(client, 'r2', 0);
  new Answer(tavern, await requestOf(tavern)).start().write('first').end();
  await ended(client, 'r1');
  await tavern.barrier();
  const received = tavern.tap().all('LLM_REQUEST').length;
  return { ack, received, stops: tavern.tap().all('CANCEL_REQUEST'), ...result };
}

async function beforeFirstChunk({ extension, ...parameters }) {
  const { tavern, client } = await party({ extension, ...parameters });
  await client.order({ requestId: 'r1', target: extension });
  const request = await requestOf(tavern);
  const ack = await cancel(client, { requestId: 'r1' });
  await tavern.tap().first('CANCEL_REQUEST');
  const stops = tavern.tap().all('CANCEL_REQUEST');
  return { ack, request, stops, ...(await ended(client, 'r1', 0)) };
}

async function midStream({ extension, ...parameters }) {
  const { tavern, client } = await party({ extension, ...parameters });
  await client.order({ requestId: 'r1', target: extension });
  const request = await requestOf(tavern);
  const answer = new Answer(tavern, request).start().write('kept ', 'text');
  await client.tap().first('streamed_data', { requestId: 'r1', index: 1 });
  const ack = await cancel(client, { requestId: 'r1' });
  await tavern.tap().first('CANCEL_REQUEST');
  await ended(client, 'r1');
  answer.write(' too late').end();
  await tavern.tap().first('WARNING');
  await client.barrier();
  const stops = tavern.tap().all('CANCEL_REQUEST');
  const warnings = tavern.tap().all('WARNING');
  return { ack, request, stops, warnings, ...heard(client, 'r1') };
}

/** The extension is free for the next as soon as the first is cancelled. */
async function freesTheExtension({ extension, ...parameters }) {
  const { tavern, client } = await party({ extension, ...parameters });
  await client.order({ requestId: 'r1', target: extension });
  await client.order({ requestId: 'r2', target: extension });
  await requestOf(tavern);
  await cancel(client, { requestId: 'r1' });
  new Answer(tavern, await requestOf(tavern, 2)).start().write('second').end();
  return ended(client, 'r2');
}

/** Somebody outside the room, and a guest within it. */
async function strangers({ extension, strangerId, guestId, ...parameters }) {
  const namespaces = ['/llm', '/rooms'];
  const { tavern, client } = await party({ extension, namespaces, ...parameters });
  const { url, clientId: roomName } = parameters;
  const stranger = await connectClient(url, { clientId: strangerId });
  const guest = await connectClient(url, { clientId: guestId });
  await client.ask('/rooms', 'ADD_CLIENT_TO_ROOM', { identity: guestId, roomName });
  await client.order({ requestId: 'r1', target: extension });
  const answer = new Answer(tavern, await requestOf(tavern)).start().write('un');
  const refusals = {
    unnamedRoom: await cancel(stranger, { requestId: 'r1' }),
    stranger: await cancel(stranger, { requestId: 'r1', roomName }),
    guest: await cancel(guest, { requestId: 'r1', roomName }),
  };
  answer.write('harmed').end();
  const result = await ended(client, 'r1');
  return { refusals, stops: tavern.tap().all('CANCEL_REQUEST'), ...result };
}

/** A monitor, which is no member of the room. */
async function byMonitor({ extension, monitorId, ...parameters }) {
  const { tavern, client } = await party({ extension, ...parameters });
  const { url, clientId: roomName } = parameters;
  const monitor = await connectClient(url, {
    clientId: monitorId,
    clientType: 'monitor',
  });
  await client.order({ requestId: 'r1', target: extension });
  await requestOf(tavern);
  const ack = await cancel(monitor, { requestId: 'r1', roomName });
  return { ack, ...(await ended(client, 'r1', 0)) };
}

/** A monitor, which is no member of the room, reads an answer and calls it off. */
async function byNamedRequester({ extension, monitorId, ...parameters }) {
  const { tavern, client } = await party({ extension, ...parameters });
  const { url, clientId: requester } = parameters;
  const monitor = await connectClient(url, {
    clientId: monitorId,
    clientType: 'monitor',
  });
  await client.order({ requestId: 'r1', target: extension });
  new Answer(tavern, await requestOf(tavern)).start().write('so far');
  await client.tap().first('streamed_data');
  const named = { requestId: 'r1', roomName: requester, requester };
  const nobodys = { ...named, requester: extension };
  const read = await monitor.ask('/llm', 'RESUME_STREAM', named);
  const unread = await monitor.ask('/llm', 'RESUME_STREAM', nobodys);
  const refused = await cancel(monitor, nobodys);
  const ack = await cancel(monitor, named);
  const reread = await monitor.ask('/llm', 'RESUME_STREAM', named);
  return { read, unread, refused, ack, reread, ...(await ended(client, 'r1')) };
}

async function unknown({ url, clientId }) {
  const client = await connectClient(url, { clientId });
  return cancel(client, { requestId: 'never-made' });
}

play({
  queued,
  beforeFirstChunk,
  midStream,
  freesTheExtension,
  strangers,
  byMonitor,
  byNamedRequester,
  unknown,
});
