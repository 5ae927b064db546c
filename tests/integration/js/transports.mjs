// Long-polling, and the change from it to a WebSocket in the middle of an answer.

import { LibraryReader, summary } from './library.mjs';
import { Answer, connectClient, ended, fakeExtension, play, requestOf } from './tavern.mjs';

const POLLING = { transports: ['polling'] };

/** Plain chunks over long-polling, from an extension with a WebSocket. */
async function polling({ url, clientId, extension, texts }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId }, POLLING);
  await client.order({ requestId: 'r1', target: extension });
  new Answer(tavern, await requestOf(tavern)).start().write(...texts).end();
  const result = await ended(client, 'r1');
  return { transport: client.manager.engine.transport.name, ...result };
}

/** The library over long-polling. */
async function pollingLibrary({ url, clientId, extension, texts }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId }, POLLING);
  const reader = new LibraryReader(client.llm);
  await client.order({ requestId: 'r1', target: extension });
  new Answer(tavern, await requestOf(tavern)).start().write(...texts).end();
  const stream = await reader.closed();
  return { transport: client.manager.engine.transport.name, ...summary(stream) };
}

/** The client's own probe, started only once the first chunks have come. */
async function upgrade({ url, clientId, extension, count }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const options = { transports: ['polling', 'websocket'], upgrade: false };
  const client = await connectClient(url, { clientId }, options);
  await client.order({ requestId: 'r1', target: extension });
  const answer = new Answer(tavern, await requestOf(tavern)).start();
  const { engine } = client.manager;
  const before = engine.transport.name;
  const third = Math.floor(count / 3);

  const write = (number) => {
    for (let n = 0; n < number; n += 1) answer.write(`${answer.index} `);
  };
  write(third);
  await client.tap().first('streamed_data', ({ index }) => index === third - 1);
  const upgraded = new Promise((resolve) => engine.once('upgrade', resolve));
  engine.once('upgrading', () => write(third));
  engine._probe('websocket');
  await upgraded;
  write(count - answer.index);
  answer.end();
  const result = await ended(client, 'r1');
  return { before, after: engine.transport.name, ...result };
}

play({ polling, pollingLibrary, upgrade });
