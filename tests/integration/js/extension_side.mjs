// What an extension does of its own accord: stop an answer, and take its place over.

import {
  Answer,
  connectClient,
  ended,
  fakeExtension,
  Peer,
  play,
  requestOf,
} from './tavern.mjs';

function cancel(peer, requestId) {
  return peer.ask('/llm', 'CANCEL_REQUEST', { requestId });
}

/** The user clicks Stop in SillyTavern, in the middle of an answer. */
async function stopped({ url, clientId, extension }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1', target: extension });
  await client.order({ requestId: 'r2', target: extension });
  const request = await requestOf(tavern);
  new Answer(tavern, request).start().write('kept ', 'text');
  const ack = await cancel(tavern, request.requestId);
  const again = await cancel(tavern, request.requestId);
  const first = await ended(client, 'r1');
  new Answer(tavern, await requestOf(tavern, 2)).start().write('next').end();
  const next = await ended(client, 'r2');
  return { ack, again, first, next, stops: tavern.tap().all('CANCEL_REQUEST') };
}

/** One of two that answer the same request is stopped. */
async function oneOfTwo({ url, clientId, extension, other }) {
  const taverns = [];
  for (const each of [extension, other]) {
    taverns.push(await fakeExtension(url, { clientId: each }));
  }
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1', target: [extension, other] });
  const [first, second] = await Promise.all(taverns.map((each) => requestOf(each)));
  new Answer(taverns[0], first).start().write('half');
  await cancel(taverns[0], first.requestId);
  new Answer(taverns[1], second).start().write('whole').end();
  return ended(client, 'r1', 2);
}

/** An extension that was not given the request. */
async function foreign({ url, clientId, extension, other }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const stranger = await fakeExtension(url, { clientId: other });
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1', target: extension });
  const { requestId } = await requestOf(tavern);
  const refused = await cancel(stranger, requestId);
  const unknown = await cancel(stranger, 'never-made');
  new Answer(tavern, await requestOf(tavern)).start().write('unharmed').end();
  return { refused, unknown, ...(await ended(client, 'r1')) };
}

function identify(peer, fields) {
  const { clientId } = peer.auth;
  return peer.ask('/sillytavern', 'IDENTIFY_SILLYTAVERN', { clientId, version: '1', ...fields });
}

/** A second tab of one SillyTavern. */
async function takenOver({ url, clientId, extension }) {
  const first = await fakeExtension(url, {
    clientId: extension,
    identify: { instance: 'aa.01' },
  });
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1', target: extension });
  new Answer(first, await requestOf(first)).start().write('half');
  await client.tap().first('streamed_data', { requestId: 'r1' });

  const key = first.auth.key;
  const second = new Peer(url, { clientId: extension, clientType: 'SillyTavern', key });
  await second.join('/sillytavern');
  const held = await identify(second, { instance: 'aa.02' });
  const taken = await identify(second, { instance: 'aa.02', takeOver: true });
  const told = await first.tap('/sillytavern').first('ERROR');
  await first.tap('/llm').first('disconnect');
  await second.join('/llm');
  const lost = await ended(client, 'r1');

  await client.order({ requestId: 'r2', target: extension });
  new Answer(second, await requestOf(second)).start().write('second').end();
  const next = await ended(client, 'r2');
  const returned = await identify(second, { instance: 'aa.02' });
  return { held, taken, told, lost, next, returned, orders: first.tap().all('LLM_REQUEST') };
}

/** A second tab that has no key yet. */
async function withoutKey({ url, extension }) {
  const first = await fakeExtension(url, { clientId: extension });
  const second = new Peer(url, {
    clientId: extension,
    clientType: 'SillyTavern',
    key: 'getKey',
  });
  await second.join('/sillytavern');
  const taken = await identify(second, { takeOver: true });
  const told = await first.tap('/sillytavern').first('ERROR');
  return { taken, told };
}

/** Where there is a password, whoever has not said it takes nothing over. */
async function withoutPassword({ url, extension, password }) {
  const silly = () =>
    new Peer(url, { clientId: extension, clientType: 'SillyTavern', key: 'getKey' });
  const [first, second] = [silly(), silly()];
  await first.join('/auth');
  await first.ask('/auth', 'LOGIN', { clientId: extension, password });
  await first.join('/sillytavern');
  await identify(first);
  await second.join('/sillytavern');
  const refused = await identify(second, { takeOver: true });
  const still = await identify(first);
  return { refused, still, errors: first.tap('/sillytavern').all('ERROR') };
}

play({ stopped, oneOfTwo, foreign, takenOver, withoutKey, withoutPassword });
