// Lost connections, and what is made good when they are back.

import { LibraryReader, summary } from './library.mjs';
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

/** An answer of which the client has read `read`, and missed `missed` while cut off. */
async function interrupted({ url, clientId, extension, read, missed }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1', target: extension });
  const answer = new Answer(tavern, await requestOf(tavern)).start().write(...read);
  await client.tap().first('streamed_data', ({ index }) => index === read.length - 1);
  await client.cut();
  answer.write(...missed);
  await tavern.barrier();
  return { tavern, client, answer };
}

/** What a careful reader makes of it: it drops what is below its own index. */
function assemble(chunks, outputs, upTo) {
  let text = chunks
    .filter(({ index }) => index < upTo)
    .map(({ data }) => data)
    .join('');
  let next = upTo;
  for (const output of outputs) {
    text += output.text;
    next = output.next;
  }
  for (const { data, index, firstIndex = index } of chunks) {
    if (firstIndex >= next) text += data;
  }
  return text;
}

/** Emit RESUME_STREAM after the connection is back. */
async function byEvent({ rest, byOutput = false, ...parameters }) {
  const { client, answer } = await interrupted(parameters);
  await client.restore();
  const from = parameters.read.length;
  const wanted = byOutput ? { [answer.outputId]: from } : from;
  const question = { requestId: 'r1', from: wanted };
  const asked = client.ask('/llm', 'RESUME_STREAM', question);
  answer.write(...rest).end();
  const ack = await asked;
  const result = await ended(client, 'r1');
  return { ack, whole: assemble(result.chunks, ack.outputs, from), ...result };
}

/** Say it in the handshake; the result comes as an event. */
async function byHandshake({ rest, ...parameters }) {
  const { client, answer } = await interrupted(parameters);
  const from = parameters.read.length;
  client.auth.resume = [{ requestId: 'r1', from }];
  await client.restore();
  const resumed = await client.tap().first('RESUME_STREAM');
  answer.write(...rest).end();
  const result = await ended(client, 'r1');
  const whole = assemble(result.chunks, resumed.outputs, from);
  return { resumed, whole, ...result };
}

/** Cut again and again: after each return, what was missed comes once. */
async function oftenCut({ url, clientId, extension, words }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1', target: extension });
  const answer = new Answer(tavern, await requestOf(tavern)).start();
  let whole = '';
  let next = 0;
  for (const word of words) {
    await client.cut();
    answer.write(word);
    await tavern.barrier();
    await client.restore();
    const ack = await client.ask('/llm', 'RESUME_STREAM', { requestId: 'r1', from: next });
    whole += ack.outputs[0].text;
    next = ack.outputs[0].next;
  }
  answer.end();
  return { whole, next, ...(await ended(client, 'r1')) };
}

/** A library reader is given a new stream from the start of the answer. */
async function library({ url, clientId, extension, read, missed, rest, inHandshake }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  const reader = new LibraryReader(client.llm);
  await client.order({ requestId: 'r1', target: extension });
  const answer = new Answer(tavern, await requestOf(tavern)).start().write(...read);
  await reader.filled(read.join('').length);
  await client.cut();
  answer.write(...missed);
  await tavern.barrier();
  const resume = { requestId: 'r1', from: 0 };
  if (inHandshake) client.auth.resume = [resume];
  await client.restore();
  if (!inHandshake) await client.ask('/llm', 'RESUME_STREAM', resume);
  await reader.opened(2);
  answer.write(...rest).end();
  const second = await reader.closed(2);
  return { first: summary(await reader.closed(1)), second: summary(second) };
}

/** Ask again and again just as the answer ends: there is always an answer to that. */
async function asItEnds({ url, clientId, extension, times }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  const states = [];
  for (let time = 1; time <= times; time += 1) {
    const requestId = `r${time}`;
    await client.order({ requestId, target: extension });
    const answer = new Answer(tavern, await requestOf(tavern, time));
    const asked = client.ask('/llm', 'RESUME_STREAM', { requestId, from: 0 });
    answer.start().write('short ', 'and ', 'sweet').end();
    states.push((await asked).status);
    await ended(client, requestId);
  }
  return states;
}

/** The answer has ended while nobody was there. */
async function endedMeanwhile(parameters) {
  const { tavern, client, answer } = await interrupted(parameters);
  answer.end();
  await tavern.barrier();
  await client.restore();
  const question = { requestId: 'r1', from: parameters.read.length };
  const fromThere = await client.ask('/llm', 'RESUME_STREAM', question);
  const again = await client.ask('/llm', 'RESUME_STREAM', { requestId: 'r1', from: 0 });
  return { fromThere, again };
}

async function unknown({ url, clientId }) {
  const client = await connectClient(url, { clientId });
  return client.ask('/llm', 'RESUME_STREAM', { requestId: 'never-made', from: 0 });
}

/** A member of the room may resume another's request; a stranger may not. */
async function byOthers({ url, clientId, memberId, strangerId, extension, texts }) {
  await fakeExtension(url, { clientId: extension, behaviour: tell(...texts) });
  const namespaces = ['/llm', '/rooms'];
  const owner = await connectClient(url, { clientId, namespaces });
  await owner.ask('/rooms', 'ADD_CLIENT_TO_ROOM', {
    identity: memberId,
    roomName: clientId,
  });
  await owner.order({ requestId: 'r1', target: extension });
  await ended(owner, 'r1');
  const member = await connectClient(url, { clientId: memberId });
  const stranger = await connectClient(url, { clientId: strangerId });
  const question = { requestId: 'r1', roomName: clientId, from: 0 };
  return {
    member: await member.ask('/llm', 'RESUME_STREAM', question),
    stranger: await stranger.ask('/llm', 'RESUME_STREAM', question),
  };
}

/** Nobody comes back within the grace time: the extension is told to stop. */
async function graceOver({ url, clientId, extension }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1', target: extension });
  const request = await requestOf(tavern);
  new Answer(tavern, request).start().write('for nobody');
  await client.tap().first('streamed_data');
  await client.cut();
  return { request, stop: await tavern.tap().first('CANCEL_REQUEST') };
}

/** A second socket of the identity goes on reading while the first is cut. */
async function otherSocketStays({ rest, read, missed, url, clientId, extension }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const first = await connectClient(url, { clientId });
  const second = await connectClient(url, { clientId, key: first.auth.key });
  await first.order({ requestId: 'r1', target: extension });
  const answer = new Answer(tavern, await requestOf(tavern)).start().write(...read);
  await first.tap().first('streamed_data', ({ index }) => index === read.length - 1);
  await first.cut();
  answer.write(...missed, ...rest).end();
  await ended(second, 'r1');
  return heard(second, 'r1');
}

play({
  byEvent,
  byHandshake,
  oftenCut,
  library,
  asItEnds,
  endedMeanwhile,
  unknown,
  byOthers,
  graceOver,
  otherSocketStays,
});
