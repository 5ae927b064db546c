// A thousand clients, in a process of their own: `node crowd.mjs URL CLIENTS KEY`.
//
// Most sit and listen, some order, and a few come and go, as fast as the house can well
// bear on a small machine. Says "ready" once all are in, and goes on until it is ended.

import { connectClient, fakeExtension } from '../integration/js/tavern.mjs';

const CLIENT = 'guest-1';
const TAVERNS = 5;
const CAPACITY = 10;

/** Those that are let in at the same time. */
const AT_A_TIME = 50;

/** Milliseconds between two orders, two chunks of an answer, and two that come and go. */
const ORDER_EVERY = 100;
const CHUNK_EVERY = 50;
const COME_AND_GO_EVERY = 200;

const CHUNKS = 20;

const [url, count, key] = process.argv.slice(2);
const clients = [];

async function comeIn(number) {
  const auth = { clientId: CLIENT, identity: `${CLIENT}-${number}`, key };
  clients[number] = await connectClient(url, { ...auth, namespaces: ['/llm'] });
}

function trickle(answer) {
  answer.start();
  const timer = setInterval(() => {
    answer.write('word ');
    if (answer.index < CHUNKS) return;
    clearInterval(timer);
    answer.end();
  }, CHUNK_EVERY);
}

for (let number = 0; number < TAVERNS; number += 1) {
  const clientId = `SillyTavern-crowd-${number}`;
  await fakeExtension(url, {
    clientId,
    identify: { capacity: CAPACITY },
    behaviour: trickle,
  });
}
for (let first = 0; first < Number(count); first += AT_A_TIME) {
  const numbers = Array.from({ length: AT_A_TIME }, (_, index) => first + index);
  await Promise.all(numbers.filter((number) => number < Number(count)).map(comeIn));
}
console.log('ready');

let orders = 0;
setInterval(() => {
  orders += 1;
  const client = clients[orders % clients.length];
  if (client.llm.connected) client.llm.emit('LLM_REQUEST', { requestId: `r-${orders}`, message: 'Go on.' });
}, ORDER_EVERY);

let moves = 0;
setInterval(async () => {
  moves += 7;
  const client = clients[moves % clients.length];
  client.llm.disconnect();
  client.llm.connect();
}, COME_AND_GO_EVERY);
