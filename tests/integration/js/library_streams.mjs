// Answers read as streams by the unmodified stream library.

import { LibraryReader, Window, summary, textOf } from './library.mjs';
import {
  Answer,
  connectClient,
  ended,
  fakeExtension,
  play,
  requestOf,
  tell,
} from './tavern.mjs';

/** A client that has ordered, and the extension's answer to it, not begun. */
async function party({ url, clientId, extension, event, stalled }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  const window = new Window(client.llm);
  const reader = new LibraryReader(client.llm, event, { stalled });
  await client.order({ requestId: 'r1', target: extension });
  const answer = new Answer(tavern, await requestOf(tavern));
  return { tavern, client, reader, window, answer };
}

/** The stream is read before the second chunk is there. */
async function reader({ texts: [first, ...rest], ...parameters }) {
  const { client, reader: library, answer } = await party(parameters);
  answer.start().write(first);
  await library.opened();
  await library.filled(1);
  await client.barrier();
  answer.write(...rest).end();
  const stream = await library.closed();
  return { stream: summary(stream), ...(await ended(client, 'r1')) };
}

/** The whole answer is there before the reader has asked for anything. */
async function lateReader({ texts, ...parameters }) {
  const { client, reader: library, answer } = await party(parameters);
  answer.start().write(...texts).end();
  const stream = await library.closed();
  return { stream: summary(stream), ...(await ended(client, 'r1')) };
}

/** Many short answers: each has ended before, while or after its stream is read. */
async function manyShort({ url, clientId, extension, texts, times }) {
  await fakeExtension(url, { clientId: extension, behaviour: tell(...texts) });
  const client = await connectClient(url, { clientId });
  const library = new LibraryReader(client.llm);
  const streams = [];
  for (let time = 1; time <= times; time += 1) {
    await client.order({ requestId: `r${time}`, target: extension });
    streams.push(summary(await library.closed(time)));
  }
  return streams;
}

async function halves({ text, ...parameters }) {
  return reader({ texts: text.split(''), ...parameters });
}

/** Under both names at once: each stream has the whole text. */
async function bothNames({ texts, ...parameters }) {
  const { client, reader: library, answer } = await party(parameters);
  const server = new LibraryReader(client.llm, 'SERVER_STREAM_DATA');
  answer.start().write(...texts).end();
  return [summary(await library.closed()), summary(await server.closed())];
}

/** A megabyte for one that reads nothing until the broker has had it all. */
async function megabyte({ size, chunk, ...parameters }) {
  const setup = { stalled: true, ...parameters };
  const { tavern, client, reader: library, window, answer } = await party(setup);
  const line = 'é'.repeat(chunk / 2);
  answer.start().write(line);
  const entry = await library.opened();
  for (let sent = chunk; sent < size; sent += chunk) {
    answer.write(line);
    // A pause now and then keeps our own socket within its rates.
    if ((sent / chunk) % 16 === 15) await tavern.barrier();
  }
  answer.end();
  await tavern.barrier();
  await client.barrier();
  const stalledAt = window.unacked;
  library.flow();
  await library.closed();
  const text = textOf(entry);
  return {
    stalledAt,
    peak: window.peak,
    state: entry.state,
    bytes: Buffer.byteLength(text),
    intact: text === line.repeat(size / chunk),
  };
}

async function failed(parameters) {
  const { client, reader: library, answer } = await party(parameters);
  answer.start().write('so far');
  await library.filled('so far'.length);
  answer.fail('out of memory');
  const stream = await library.closed();
  return { stream: summary(stream), ...(await ended(client, 'r1')) };
}

async function cancelled(parameters) {
  const { client, reader: library, answer } = await party(parameters);
  answer.start().write('so far');
  await library.filled('so far'.length);
  await client.ask('/llm', 'CANCEL_REQUEST', { requestId: 'r1' });
  const stream = await library.closed();
  return { stream: summary(stream), ...(await ended(client, 'r1')) };
}

/** One that destroys its stream is written to no more; the answer goes on. */
async function destroyed(parameters) {
  const { tavern, client, reader: library, window, answer } = await party(parameters);
  answer.start().write('enough');
  const entry = await library.filled('enough'.length);
  entry.stream.destroy();
  answer.write('one more');
  await tavern.barrier();
  await client.barrier();
  await client.barrier();
  const writes = window.writes;
  for (let n = 0; n < 20; n += 1) answer.write('and more');
  answer.end();
  const result = await ended(client, 'r1');
  return { later: window.writes - writes, ...result };
}

/** Two in one room, of whom one has the library; an answer to them, not begun. */
async function room({ url, clientId, guestId, extension }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const namespaces = ['/llm', '/rooms'];
  const owner = await connectClient(url, { clientId, namespaces });
  const guest = await connectClient(url, { clientId: guestId });
  const membership = { identity: guestId, roomName: clientId };
  await owner.ask('/rooms', 'ADD_CLIENT_TO_ROOM', membership);
  const library = new LibraryReader(guest.llm);
  await owner.order({ requestId: 'r1', target: extension });
  const answer = new Answer(tavern, await requestOf(tavern));
  return { owner, library, answer, membership };
}

/** Both read the answer, one with the library and one without. */
async function mixedRoom({ texts, ...parameters }) {
  const { owner, library, answer } = await room(parameters);
  answer.start().write(...texts).end();
  const stream = await library.closed();
  return { stream: summary(stream), owner: await ended(owner, 'r1') };
}

/** One is put out of the room in the middle of an answer. */
async function putOut(parameters) {
  const { owner, library, answer, membership } = await room(parameters);
  answer.start().write('for both');
  await library.filled('for both'.length);
  await owner.ask('/rooms', 'REMOVE_CLIENT_FROM_ROOM', membership);
  answer.write(', for one').end();
  const stream = await library.closed();
  return { stream: summary(stream), owner: await ended(owner, 'r1') };
}

/** A reader that acknowledges nothing, and whose answer goes on. */
async function deaf({ url, clientId, guestId, extension, size, chunk }) {
  const setup = { url, clientId, extension, stalled: true };
  const { tavern, client, reader: library, answer } = await party(setup);
  const other = await connectClient(url, { clientId: guestId });
  client.manager.reconnection(false);
  const line = 'x'.repeat(chunk);
  answer.start().write(line);
  await library.opened();
  for (let sent = chunk; sent < size; sent += chunk) {
    answer.write(line);
    await tavern.barrier();
  }
  await client.tap().first('disconnect');
  return { other: await other.barrier() };
}

play({
  reader,
  lateReader,
  manyShort,
  halves,
  bothNames,
  megabyte,
  failed,
  cancelled,
  destroyed,
  mixedRoom,
  putOut,
  deaf,
});
