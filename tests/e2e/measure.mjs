// How long an order takes to its first token, with the broker between and without it,
// and how many tokens are lost or doubled on the way.
//
// Without the broker means the same call that the extension makes, made in the page.
// The LLM answers at once, so that what is measured is everything but the LLM.

import assert from 'node:assert/strict';

import { closeHouse, openHouse } from './house.mjs';
import { order, outcome } from './orders.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 100);
const ANSWERS = Number(process.env.ANSWERS ?? 1_000);
const TOKENS = 50;
const AT_ONCE = 8;

/** The first ones pay for what is loaded once. */
const WARM_UP = 5;

const MESSAGES = [{ role: 'user', content: 'One ale, please.' }];

/** Numbered tokens: what is missing or twice there can be told. */
function tokens(answer) {
  return Array.from({ length: TOKENS }, (_, index) => `${answer}.${index} 🍺`);
}

function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

function report(what, times) {
  const [half, most] = [quantile(times, 0.5), quantile(times, 0.95)];
  console.log(`${what.padEnd(54)} p50 ${half.toFixed(1)} ms   p95 ${most.toFixed(1)} ms`);
}

/** From the order to the first chunk, as the one who ordered sees it. */
async function throughBroker(guest, tavern, fields) {
  const began = performance.now();
  const first = new Promise((resolve) => guest.llm.once('streamed_data', resolve));
  const requestId = await order(guest, tavern, fields);
  await first;
  const took = performance.now() - began;
  await outcome(guest, requestId);
  return took;
}

// In the page: the same from messages, without anybody between.
async function fromMessages(context, messages) {
  const began = performance.now();
  const service = context.ChatCompletionService;
  const fields = { messages, model: context.getChatCompletionModel(), stream: true };
  const data = await service.presetToGeneratePayload({}, {}, fields);
  const stream = await service.sendRequest(data, true);
  let took;
  for await (const { text } of stream()) if (text) took ??= performance.now() - began;
  return took;
}

// In the page: the same in the chat.
async function inChat(context, message) {
  const { sendMessageAsUser } = await import('/script.js');
  const began = performance.now();
  let took;
  const listener = (text) => {
    if (text) took ??= performance.now() - began;
  };
  context.eventSource.on(context.eventTypes.STREAM_TOKEN_RECEIVED, listener);
  await sendMessageAsUser(message, '');
  await context.generate('normal', { automatic_trigger: true });
  context.eventSource.removeListener(context.eventTypes.STREAM_TOKEN_RECEIVED, listener);
  return took;
}

/** Both ways in turn, so that what else the machine does falls on both alike. */
async function compare(what, tavern, ways) {
  // A chat grows, and a long one is slower.
  await tavern.tab.newChat();
  const times = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    for (const [way, measure] of Object.entries(ways)) {
      const took = await measure();
      if (round >= WARM_UP) times[way].push(took);
    }
  }
  for (const way of Object.keys(ways)) {
    report(`order to first token, ${what}, ${way}`, times[way]);
  }
}

async function measureTimes(house, tavern, guest) {
  house.llm.behaviour = (utterance) => utterance.write('An', ' ale.').end();
  const { tab } = tavern;
  await compare('from messages', tavern, {
    'with the broker': () => throughBroker(guest, tavern, { messages: MESSAGES }),
    'without it': () => tab.context(fromMessages, MESSAGES),
  });
  await compare('in the chat', tavern, {
    'with the broker': () => throughBroker(guest, tavern, {}),
    'without it': () => tab.context(inChat, 'One ale, please.'),
  });
}

async function countTokens(house, tavern, guests) {
  house.llm.behaviour = (utterance) =>
    utterance.write(...tokens(utterance.question)).end();
  let [lost, doubled, wrong] = [0, 0, 0];
  let next = 0;
  const serveOne = async (guest) => {
    while (next < ANSWERS) {
      next += 1;
      const messages = [{ role: 'user', content: `answer-${next}` }];
      const expected = tokens(messages[0].content);
      const requestId = await order(guest, tavern, { messages });
      const { status, text } = await outcome(guest, requestId);
      assert.equal(status, 'completed');
      if (text !== expected.join('')) wrong += 1;
      for (const token of expected) {
        const times = text.split(token).length - 1;
        if (times === 0) lost += 1;
        doubled += Math.max(0, times - 1);
      }
    }
  };
  await Promise.all(guests.map(serveOne));
  const all = ANSWERS * TOKENS;
  const faults = `${lost} lost, ${doubled} doubled, ${wrong} answers not as said`;
  console.log(`${ANSWERS} answers, ${all} tokens: ${faults}`);
  return lost + doubled + wrong;
}

const house = await openHouse();
let faults = 1;
try {
  const tavern = await house.tavern();
  const guests = [];
  while (guests.length < AT_ONCE) guests.push(await house.guest());
  await measureTimes(house, tavern, guests[0]);
  faults = await countTokens(house, tavern, guests);
  await house.sayGoodbye();
} finally {
  await closeHouse();
}
process.exit(faults === 0 ? 0 : 1);
