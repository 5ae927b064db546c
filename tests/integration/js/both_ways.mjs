// The same traffic twice: what client and extension hear must not tell which way the
// broker took it. Every event waits for the one before, so that nothing depends on how
// packets fall into turns; ids that a broker makes up, and times, are left out.

import { connectClient, fakeExtension, play, requestOf, Answer } from './tavern.mjs';

const MADE_UP = new Set([
  'messageId',
  'responseId',
  'roomId',
  'timestamp',
  'connectedAt',
  'key',
]);

/** A value without what is another one each time. */
function plain(value, renamed) {
  if (Array.isArray(value)) return value.map((each) => plain(each, renamed));
  if (typeof value === 'string') return renamed.get(value) ?? value;
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([name]) => !MADE_UP.has(name));
  return Object.fromEntries(kept.map(([name, each]) => [name, plain(each, renamed)]));
}

/** What an extension says, one list of steps for each of its orders. */
const TALKS = [
  (answer) => [
    ...['Hel', 'lo', ' 世', '界 ', '"quoted"', '\\ \n\t', '{["', '', '🍺'].map(
      (text) => () => answer.write(text),
    ),
    () => answer.end(),
  ],
  // Characters cut in two, at the border of chunks and at that of the answer.
  (answer) => [
    ...['a', 'b', 'c\ud83c', '\udf7ad', 'e\ud83c', 'f', '\udf7a', 'g', 'h\ud83c'].map(
      (text) => () => answer.write(text),
    ),
    () => answer.end({ final: true, finalText: 'abc' }),
  ],
  // Out of order, twice, too late, without numbers, of other types.
  (answer) => [
    () => answer.write('0', '1', '2'),
    () => answer.chunk(4, '4'),
    () => answer.chunk(4, 'again'),
    () => answer.retry(3, '3'),
    () => answer.chunk(1, 'late'),
    () => answer.chunk(6, '6'),
    () => answer.chunk(undefined, '5'),
    () => answer.chunk(7, { an: 'object' }),
    () => answer.chunk(8, 8),
    () => answer.chunk(9, null),
    () => answer.last('last', { final: true }),
    () => answer.chunk(11, 'after the end'),
  ],
  // Two outputs in turn, then a failure.
  (answer, other) => [
    ...['A', 'B', 'C', 'D'].flatMap((text) => [
      () => answer.write(text),
      () => other.write(text.toLowerCase()),
    ]),
    () => answer.end(),
    () => other.fail('the model broke'),
    () => other.write('more'),
  ],
];

async function talk({ url, clientId, extension: name }) {
  const extension = await fakeExtension(url, { clientId: name, capacity: 1 });
  const reader = await connectClient(url, { clientId, namespaces: ['/llm'] });
  const renamed = new Map([[clientId, 'reader'], [name, 'tavern']]);
  for (const [number, steps] of TALKS.entries()) {
    const ack = await reader.order({ requestId: `r-${number}`, target: name });
    if (ack.status !== 'ok') throw new Error(JSON.stringify(ack));
    const request = await requestOf(extension, number + 1);
    renamed.set(request.requestId, `request ${number}`);
    const [answer, other] = ['one', 'two'].map((outputId) => {
      const made = new Answer(extension, request, { outputId: `${outputId}-${number}` });
      made.streamId = `stream-${outputId}-${number}`;
      return made;
    });
    answer.start();
    for (const step of steps(answer, other)) {
      step();
      await extension.barrier();
      await reader.barrier();
    }
    if (number === 3) await reader.ask('/llm', 'CANCEL_REQUEST', `r-${number}`);
    await reader.barrier();
  }
  return { reader: heardBy(reader, renamed), extension: heardBy(extension, renamed) };
}

/**
 * All events in `/llm`, in order; for themselves those that wait for the disk, which
 * come when that is done. Library streams are named by the broker.
 */
function heardBy(peer, renamed) {
  const events = peer
    .tap()
    .events.filter(({ event }) => !event.startsWith('$stream'))
    .map(({ event, args }) => [event, ...plain(args, renamed)]);
  const waits = ([event]) => event === 'NEW_MESSAGE';
  return {
    atOnce: events.filter((each) => !waits(each)),
    stored: events.filter(waits),
  };
}

play({ talk });
