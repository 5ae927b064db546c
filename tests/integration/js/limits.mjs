// Clients and extensions that send more than they may.

import { Answer, Peer, connectClient, ended, play, requestOf } from './tavern.mjs';

const QUESTION = { data: 'Connection active?', target: 'server' };

/** An extension whose transport is ours to choose. */
async function extensionBy(transport, url, clientId) {
  const auth = { clientType: 'SillyTavern', key: 'getKey', clientId };
  const peer = new Peer(url, auth, { transports: [transport] });
  await peer.join('/sillytavern');
  await peer.join('/llm');
  await peer.ask('/sillytavern', 'IDENTIFY_SILLYTAVERN', { clientId });
  return peer;
}

/** So many events at once with an ack, and one without. */
async function events({ url, clientId, otherId, count }) {
  const client = await connectClient(url, { clientId });
  const other = await connectClient(url, { clientId: otherId });
  const began = performance.now();
  const asked = Array.from({ length: count }, () => client.ask('/llm', 'message', QUESTION));
  client.llm.emit('message', { ...QUESTION, requestId: 'r1' });
  const acks = await Promise.all(asked);
  const error = await client.tap().first('ERROR');
  const seconds = (performance.now() - began) / 1000;
  return { acks, error, seconds, other: await other.barrier() };
}

/** Somebody who goes on, whatever it is told. */
async function flood({ url, clientId, otherId, count }) {
  const client = await connectClient(url, { clientId });
  const other = await connectClient(url, { clientId: otherId });
  client.manager.reconnection(false);
  for (let sent = 0; sent < count; sent += 1) client.llm.emit('message', QUESTION);
  await client.tap().first('disconnect');
  const errors = client.tap().all('ERROR');
  return { errors, answers: client.tap().all('message'), other: await other.barrier() };
}

/** An answer that comes at once, all of it; others are answered in the meantime. */
async function pace({ url, clientId, extension, transport, count }) {
  const tavern = await extensionBy(transport, url, extension);
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1', target: extension });
  const answer = new Answer(tavern, await requestOf(tavern));
  const texts = Array.from({ length: count }, (_, number) => `${number} `);
  const begun = performance.now();
  answer.start().write(...texts).end();
  await client.tap().first('streamed_data', { requestId: 'r1' });
  await client.barrier();
  const answered = performance.now() - begun;
  const { text, terminal } = await ended(client, 'r1');
  const milliseconds = performance.now() - begun;
  return { whole: text === texts.join(''), terminal, answered, milliseconds };
}

await play({ events, flood, pace });
