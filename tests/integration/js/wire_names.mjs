// Names of the wire that helpers would put together, each spelled out: those of an
// answer's parts, under both spellings, and those of the stream library.

import { LibraryReader, textOf } from './library.mjs';
import { connectClient, ended, fakeExtension, play, requestOf } from './tavern.mjs';

const SPELLINGS = {
  wire: {
    start: 'CLIENT_STREAM_START',
    first: 'CLIENT_STREAM_DATA_FIRST',
    middle: 'CLIENT_STREAM_DATA_MIDDLE',
    last: 'CLIENT_STREAM_DATA_LAST',
    retry: 'CLIENT_STREAM_DATA_RETRY',
    failed: 'CLIENT_STREAM_DATA_FAILED',
    end: 'CLIENT_STREAM_END',
  },
  plain: {
    start: 'STREAM_START',
    first: 'STREAM_DATA_FIRST',
    middle: 'STREAM_DATA_MIDDLE',
    last: 'STREAM_DATA_LAST',
    retry: 'STREAM_DATA_RETRY',
    failed: 'STREAM_DATA_FAILED',
    end: 'STREAM_END',
  },
};

const LIBRARY = [
  '$stream',
  '$stream-read',
  '$stream-write',
  '$stream-end',
  '$stream-error',
];

/** Send parts of an answer, each under its own name. */
function send(extension, { requestId }, outputId, names, parts) {
  for (const [part, fields] of parts) {
    const ids = { requestId, streamId: `stream of ${outputId}`, outputId };
    extension.llm.emit(names[part], { ...ids, ...fields });
  }
}

/** An answer with every part there is, one that fails, and one that comes whole. */
async function answers({ url, clientId, extension, spelling }) {
  const names = SPELLINGS[spelling];
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'good', target: extension });
  send(tavern, await requestOf(tavern), 'tale', names, [
    ['start', { type: 1 }],
    ['first', { type: 4, chunkIndex: 0, data: 'Once ' }],
    ['middle', { type: 5, chunkIndex: 2, data: 'a ' }],
    ['retry', { type: 7, chunkIndex: 1, data: 'upon ' }],
    ['last', { type: 6, chunkIndex: 3, data: 'time.' }],
    ['end', { type: 3, final: true }],
  ]);
  const good = await ended(client, 'good');
  await client.order({ requestId: 'bad', target: extension });
  send(tavern, await requestOf(tavern, 2), 'end', names, [
    ['start', { type: 1 }],
    ['first', { type: 4, chunkIndex: 0, data: 'Twice' }],
    ['failed', { type: 8, chunkIndex: 1, data: '', message: 'no ink' }],
  ]);
  const bad = await ended(client, 'bad');
  await client.order({ requestId: 'whole', target: extension });
  const { requestId } = await requestOf(tavern, 3);
  tavern.llm.emit('LLM_RESPONSE', { requestId, data: 'Thrice.' });
  return { good, bad, whole: await ended(client, 'whole', 0) };
}

/** What the library and the broker say to each other of a good and a bad answer. */
async function library({ url, clientId, extension }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  const said = [];
  client.llm.onAny((event) => said.push(event));
  client.llm.onAnyOutgoing((event) => said.push(event));
  const reader = new LibraryReader(client.llm);
  const texts = [];
  const round = async (requestId, part, fields) => {
    await client.order({ requestId, target: extension });
    const request = await requestOf(tavern, texts.length + 1);
    const names = SPELLINGS.wire;
    send(tavern, request, requestId, names, [
      ['start', { type: 1 }],
      ['first', { type: 4, chunkIndex: 0, data: 'Once' }],
    ]);
    await reader.filled(4, texts.length + 1);
    send(tavern, request, requestId, names, [[part, fields]]);
    texts.push(textOf(await reader.closed(texts.length + 1)));
  };
  await round('good', 'end', { type: 3, final: true });
  await round('bad', 'failed', { type: 8, chunkIndex: 1, data: '', message: 'no ink' });
  return { texts, said: LIBRARY.filter((event) => said.includes(event)) };
}

play({ answers, library });
