// Events of SillyTaverns, and the clients that want to hear of them.

import { connectClient, fakeExtension, Peer, play } from './tavern.mjs';

function subscribe(peer, target, ...events) {
  return peer.ask('/llm', 'SUBSCRIBE_EVENTS', { target, events });
}

function emit(tavern, event, data, namespace = '/sillytavern') {
  return tavern.ask(namespace, 'SILLYTAVERN_EVENT', { event, data, source: 'liar' });
}

function told(tavern) {
  return tavern.tap('/sillytavern').all('SUBSCRIBE_EVENTS');
}

/** The extension's list, once it has been told so often. */
function toldTimes(tavern, times) {
  return tavern.tap('/sillytavern').first('SUBSCRIBE_EVENTS', {}, times);
}

async function heard(peer) {
  await peer.barrier();
  return peer.tap().all('SILLYTAVERN_EVENT');
}

/** Two clients, an extension, and a list that is replaced and then ended. */
async function deliver({ url, clientId, otherId, extension }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  const other = await connectClient(url, { clientId: otherId });
  const acks = [await subscribe(client, extension, 'chat', 'swipe')];
  acks.push(await subscribe(other, extension, 'edit'));
  await emit(tavern, 'chat', { id: 1 });
  await emit(tavern, 'edit', null, '/llm');
  acks.push(await subscribe(client, extension, 'swipe'));
  await emit(tavern, 'chat', { id: 2 });
  await emit(tavern, 'swipe', 'left');
  acks.push(await subscribe(client, extension));
  await emit(tavern, 'swipe', 'right');
  await subscribe(other, extension);
  await toldTimes(tavern, 6);
  return {
    acks,
    told: told(tavern).map(({ events }) => events),
    client: await heard(client),
    other: await heard(other),
  };
}

/** What is refused, and with which code. */
async function refusals({ url, clientId, unknown, extension }) {
  await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  const tooMany = Array.from({ length: 65 }, (_, index) => `event-${index}`);
  const stranger = new Peer(url, { clientId });
  await stranger.join('/llm');
  return {
    unknown: await subscribe(client, unknown, 'chat'),
    client: await subscribe(client, clientId, 'chat'),
    tooMany: await subscribe(client, extension, ...tooMany),
    tooLong: await subscribe(client, extension, 'e'.repeat(65)),
    noData: await client.ask('/llm', 'SUBSCRIBE_EVENTS'),
    endingNothing: await subscribe(client, unknown),
    emitting: await emit(client, 'chat', null, '/llm'),
    unverified: await subscribe(stranger, extension, 'chat'),
  };
}

/** Either side loses its network for a moment. */
async function comeBack({ url, clientId, extension }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  await subscribe(client, extension, 'chat');
  await client.cut();
  await client.restore();
  await emit(tavern, 'chat', 'after the client came back');
  await client.tap().first('SILLYTAVERN_EVENT');
  await tavern.cut();
  await tavern.restore();
  await tavern.identify();
  await emit(tavern, 'chat', 'after the extension came back');
  await client.tap().first('SILLYTAVERN_EVENT', {}, 2);
  const events = await heard(client);
  return { told: told(tavern).map((each) => each.events), events };
}

/** A subscriber that says goodbye. */
async function goodbye({ url, clientId, extension }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  await subscribe(client, extension, 'chat');
  await client.leave();
  await toldTimes(tavern, 3);
  return told(tavern).map(({ events }) => events);
}

play({ deliver, refusals, comeBack, goodbye });
