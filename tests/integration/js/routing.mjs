// Which extension gets a request, in which order, and what when it is lost.

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

/** What an order to nobody, or to somebody who is not there, is answered. */
async function refusedOrder({ url, clientId, extension, order }) {
  if (extension) await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  const ack = await client.ask('/llm', 'LLM_REQUEST', { requestId: 'r1', ...order });
  await client.barrier();
  return { ack, ...heard(client, 'r1') };
}

/** A list of targets; each answers with its own text, or fails. */
async function legs({ url, clientId, targets }) {
  for (const [extension, text] of Object.entries(targets)) {
    const behaviour = (answer) =>
      text === null ? answer.start().fail('no model') : tell(text, '!')(answer);
    await fakeExtension(url, { clientId: extension, behaviour });
  }
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1', target: Object.keys(targets) });
  return ended(client, 'r1', Object.keys(targets).length);
}

/** One extension of capacity 1 and a client that orders three times at once. */
async function positions({ url, clientIds, extension }) {
  const tavern = await fakeExtension(url, {
    clientId: extension,
    identify: { capacity: 1 },
  });
  const clients = [];
  for (const clientId of clientIds) clients.push(await connectClient(url, { clientId }));
  const acks = [];
  for (const client of clients) {
    acks.push(await client.order({ requestId: 'r1', target: extension }));
  }
  const inFlight = tavern.tap().all('LLM_REQUEST').length;
  const results = [];
  for (const [index, client] of clients.entries()) {
    const answer = new Answer(tavern, await requestOf(tavern, index + 1));
    answer.start().write(clientIds[index]).end();
    results.push(await ended(client, 'r1'));
  }
  return { acks, inFlight, results };
}

/** Round robin: one that orders much does not hold up one that orders little. */
async function fairness({ url, clientIds, extension }) {
  const tavern = await fakeExtension(url, {
    clientId: extension,
    identify: { capacity: 1 },
  });
  const greedy = await connectClient(url, { clientId: clientIds[0] });
  const modest = await connectClient(url, { clientId: clientIds[1] });
  const greedyIds = ['g1', 'g2', 'g3', 'g4'];
  for (const requestId of greedyIds) {
    await greedy.order({ requestId, target: extension, message: requestId });
  }
  await modest.order({ requestId: 'm1', target: extension, message: 'm1' });
  const order = [];
  for (let count = 1; count <= greedyIds.length + 1; count += 1) {
    const request = await requestOf(tavern, count);
    order.push(request.message);
    tell('done')(new Answer(tavern, request));
  }
  for (const requestId of greedyIds) await ended(greedy, requestId);
  await ended(modest, 'm1');
  return order;
}

/** Two extensions; the one that is chosen drops before its first chunk. */
async function failover({ url, clientId, extensions }) {
  const taverns = [];
  for (const extension of extensions) {
    taverns.push(await fakeExtension(url, { clientId: extension }));
  }
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1' });
  const chosen = await Promise.race(
    taverns.map(async (tavern) => {
      await requestOf(tavern);
      return tavern;
    }),
  );
  const other = taverns.find((tavern) => tavern !== chosen);
  await chosen.cut();
  tell('from the ', 'other')(new Answer(other, await requestOf(other)));
  const result = await ended(client, 'r1');
  return { first: chosen.auth.clientId, second: other.auth.clientId, ...result };
}

/** Two extensions; the one that is chosen says nothing. */
async function silent({ url, clientId, extensions }) {
  const taverns = [];
  for (const extension of extensions) {
    taverns.push(await fakeExtension(url, { clientId: extension }));
  }
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1' });
  const sent = await client.tap().first('REQUEST_STATUS_UPDATE', { status: 'sent' }, 2);
  const last = taverns.find(({ auth }) => auth.clientId === sent.extension);
  tell('at last')(new Answer(last, await requestOf(last)));
  return ended(client, 'r1');
}

/** A named extension that says nothing, or nothing more after some chunks. */
async function timeout({ url, clientId, extension, texts }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1', target: extension });
  const request = await requestOf(tavern);
  if (texts.length > 0) new Answer(tavern, request).start().write(...texts);
  return ended(client, 'r1', texts.length > 0 ? 1 : 0);
}

/** A named extension drops mid-answer and comes back, still running it or not. */
async function extensionReturns({ url, clientId, extension, stillRunning }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1', target: extension });
  const answer = new Answer(tavern, await requestOf(tavern)).start().write('be', 'fore');
  await client.tap().first('streamed_data', { requestId: 'r1', index: 1 });
  await tavern.cut();
  await tavern.restore();
  await tavern.identify({ running: stillRunning ? [answer.requestId] : [] });
  if (stillRunning) answer.write(' and after').end();
  return ended(client, 'r1');
}

/** An answer from one that was not asked, and one to a request nobody made. */
async function wrongAnswerer({ url, clientId, extensions }) {
  const [asked, meddler] = await Promise.all(
    extensions.map((extension) => fakeExtension(url, { clientId: extension })),
  );
  const client = await connectClient(url, { clientId });
  await client.order({ requestId: 'r1', target: extensions[0] });
  const request = await requestOf(asked);
  new Answer(meddler, request).start().write('lies').end();
  await meddler.tap().first('WARNING');
  new Answer(asked, { requestId: 'nobody-asked' }).start().write('what?').end();
  await asked.tap().first('WARNING');
  tell('truth')(new Answer(asked, request));
  const warnings = [meddler, asked].flatMap((peer) => peer.tap().all('WARNING'));
  return { warnings, ...(await ended(client, 'r1')) };
}

async function extensionList({ url, clientId, extensions, namespace }) {
  for (const extension of extensions) {
    const identify = { characters: ['Seraphina'], current: 'Seraphina', model: 'm' };
    await fakeExtension(url, { clientId: extension, identify });
  }
  const client = await connectClient(url, { clientId, namespaces: [namespace] });
  return client.ask(namespace, 'GET_SILLYTAVERN_EXTENSION');
}

play({
  refusedOrder,
  legs,
  positions,
  fairness,
  failover,
  silent,
  timeout,
  extensionReturns,
  wrongAnswerer,
  extensionList,
});
