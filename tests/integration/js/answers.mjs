// One client, one extension, one answer: in all the shapes an answer can have.

import {
  Answer,
  connectClient,
  ended,
  fakeExtension,
  heard,
  play,
  requestOf,
  tell,
} from './tavern.mjs';

/** A client and an extension that tells these texts. */
async function party({ url, clientId, extension, texts = [], identify, ...auth }) {
  const behaviour = texts.length > 0 ? tell(...texts) : undefined;
  const tavern = await fakeExtension(url, { clientId: extension, identify, behaviour });
  const client = await connectClient(url, { clientId, ...auth });
  return { client, tavern };
}

/** The client's order to that extension. */
function order(client, { extension }, fields = {}) {
  return client.order({ requestId: 'r1', target: extension, ...fields });
}

async function plain(parameters) {
  const { client, tavern } = await party(parameters);
  const ack = await order(client, parameters, { message: 'Hello?', mood: 'dark' });
  const result = await ended(client, 'r1');
  return { ack, received: await requestOf(tavern), ...result };
}

async function documentedNames(parameters) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const answer = new Answer(tavern, await requestOf(tavern), { prefix: '' });
  answer.start().write('plain ', 'names ').last('too').end();
  return ended(client, 'r1');
}

async function finalLast(parameters) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const answer = new Answer(tavern, await requestOf(tavern));
  answer.start().write('the ').last('last', { final: true });
  return ended(client, 'r1');
}

async function serverNames(parameters) {
  const { client } = await party(parameters);
  await order(client, parameters);
  const tap = client.tap();
  await tap.first('SERVER_STREAM_END', { requestId: 'r1' });
  await tap.first('REQUEST_STATUS_UPDATE', { status: 'completed' });
  await client.barrier();
  return {
    ...heard(client, 'r1'),
    serverChunks: tap.all('SERVER_STREAM_DATA', { requestId: 'r1' }),
    serverEnds: tap.all('SERVER_STREAM_END', { requestId: 'r1' }),
  };
}

/** The extension answers `message` type 0 or LLM_RESPONSE, or streams. */
async function whole({ event, fields, isStreaming, ...parameters }) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters, { isStreaming });
  const request = await requestOf(tavern);
  if (event) tavern.llm.emit(event, { requestId: request.requestId, ...fields });
  else tell('all ', 'at ', 'once')(new Answer(tavern, request));
  return { received: request, ...(await ended(client, 'r1', 0)) };
}

/** More than an answer may hold; the next one is short. */
async function tooLong({ chunks, chunk, ...parameters }) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const answer = new Answer(tavern, await requestOf(tavern));
  answer.start();
  for (let sent = 0; sent < chunks; sent += 1) answer.write('x'.repeat(chunk));
  const first = await ended(client, 'r1');
  const told = await tavern.tap().first('CANCEL_REQUEST');
  await order(client, parameters, { requestId: 'r2' });
  new Answer(tavern, await requestOf(tavern, 2)).start().write('short').end();
  return { first, told, second: await ended(client, 'r2') };
}

async function gap(parameters) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const answer = new Answer(tavern, await requestOf(tavern));
  answer.start().chunk(0, 'a').chunk(2, 'c').chunk(3, 'd');
  await tavern.barrier();
  await client.barrier();
  const before = heard(client, 'r1').text;
  answer.retry(1, 'b').chunk(4, 'e').end();
  return { before, ...(await ended(client, 'r1')) };
}

async function duplicates(parameters) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const answer = new Answer(tavern, await requestOf(tavern));
  answer.start().chunk(0, 'a').chunk(0, 'a').chunk(1, 'b').retry(1, 'b').chunk(2, 'c');
  answer.end();
  return ended(client, 'r1');
}

async function unfilledGap(parameters) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const answer = new Answer(tavern, await requestOf(tavern));
  answer.start().chunk(0, 'a').chunk(3, 'd').chunk(2, 'c').end();
  const result = await ended(client, 'r1');
  await tavern.barrier();
  const warnings = [client, tavern].flatMap((peer) => peer.tap().all('WARNING'));
  return { ...result, warnings };
}

/** Older extensions open a stream for every token of one output. */
async function streamPerToken({ finish, ...parameters }) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const request = await requestOf(tavern);
  const texts = ['one ', 'two ', 'three'];
  for (const text of texts) {
    const answer = new Answer(tavern, request, { outputId: 'only' });
    answer.start().write(text);
    answer.end({ final: finish === 'final' && text === texts.at(-1) });
  }
  if (finish === 'stop') {
    tavern.llm.emit('STOP_PROCESSING', { requestId: request.requestId });
  }
  return ended(client, 'r1');
}

async function severalOutputs(parameters) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const request = await requestOf(tavern);
  const left = new Answer(tavern, request, { outputId: 'left' }).start();
  const right = new Answer(tavern, request, { outputId: 'right' }).start();
  left.write('l0 ');
  right.write('r0 ');
  left.write('l1');
  right.write('r1 ', 'r2');
  left.end();
  right.end();
  return ended(client, 'r1', 2);
}

async function finalText(parameters) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const answer = new Answer(tavern, await requestOf(tavern));
  answer.start().write('Seraphina: ', 'Hello.  ');
  answer.end({ final: true, finalText: 'Hello.' });
  const result = await ended(client, 'r1');
  const resumed = await client.ask('/llm', 'RESUME_STREAM', { requestId: 'r1', from: 0 });
  return { ...result, resumed };
}

async function failed(parameters) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const answer = new Answer(tavern, await requestOf(tavern));
  answer.start().write('so ', 'far').fail('out of memory');
  const result = await ended(client, 'r1');
  const resumed = await client.ask('/llm', 'RESUME_STREAM', { requestId: 'r1', from: 0 });
  return { ...result, resumed };
}

async function error(parameters) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const { requestId } = await requestOf(tavern);
  tavern.llm.emit('ERROR', { requestId, message: 'quota exceeded', code: 10401 });
  return ended(client, 'r1', 0);
}

async function halves({ text, ...parameters }) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const answer = new Answer(tavern, await requestOf(tavern));
  answer.start().write(...text.split('')).end();
  return ended(client, 'r1');
}

async function loneSurrogates(parameters) {
  const { client, tavern } = await party(parameters);
  await order(client, parameters);
  const answer = new Answer(tavern, await requestOf(tavern));
  answer.start().write('a\udc00b', '\ud83d', 'c').end();
  return ended(client, 'r1');
}

async function sameRequestTwice(parameters) {
  const { client, tavern } = await party(parameters);
  const first = await order(client, parameters);
  const second = await order(client, parameters);
  const answer = new Answer(tavern, await requestOf(tavern));
  answer.start().write('once').end();
  const result = await ended(client, 'r1');
  await tavern.barrier();
  return { first, second, received: tavern.tap().all('LLM_REQUEST').length, ...result };
}

play({
  plain,
  documentedNames,
  finalLast,
  serverNames,
  whole,
  tooLong,
  gap,
  duplicates,
  unfilledGap,
  streamPerToken,
  severalOutputs,
  finalText,
  failed,
  error,
  halves,
  loneSurrogates,
  sameRequestTwice,
});
