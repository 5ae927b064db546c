// Three SillyTaverns behind one broker, and thirty orders for them.

import assert from 'node:assert/strict';

import { hears, order, outcome } from './orders.mjs';
import { scenes } from './scene.mjs';

const ORDERS = 30;
const GUESTS = 6;
const scene = scenes({ needs: (house) => house.taverns(3), ms: 120_000 });

/** Repeats the question, in two pieces, so that no answer is like another. */
const repeat = (utterance) => utterance.write('You said ', utterance.question).end();

async function guestsOf(house) {
  const guests = [];
  while (guests.length < GUESTS) guests.push(await house.guest('/rooms'));
  return guests;
}

/** Do something under a policy; whatever comes of it, the next scene finds Free. */
async function under(house, policy, action) {
  const monitor = await house.monitor('/rooms');
  const set = (wanted) =>
    monitor.ask('/rooms', 'SET_CONNECTION_POLICY', { policy: wanted });
  const ack = await set(policy);
  assert.equal(ack.status, 'ok', ack.message);
  try {
    return await action(monitor);
  } finally {
    await set('Free');
  }
}

/** As many orders in turn from each guest, some in the chat and some from messages. */
async function orderAll(guests, count) {
  const numbers = Array.from({ length: count }, (_, index) => index);
  return Promise.all(
    numbers.map(async (number) => {
      const guest = guests[number % guests.length];
      const message = `ale number ${number}`;
      const messages = [{ role: 'user', content: message }];
      const fields = number % 2 ? { message, messages } : { message };
      return { guest, message, requestId: await order(guest, null, fields) };
    }),
  );
}

/** What came of all of them, each of which must have its own answer, once. */
async function outcomes(placed) {
  return Promise.all(
    placed.map(async ({ guest, message, requestId }) => {
      const all = await outcome(guest, requestId);
      assert.equal(all.status, 'completed', all.error?.message);
      assert.equal(all.terminals, 1);
      assert.equal(all.finalText, `You said ${message}`);
      return { guest, by: answerer(all) };
    }),
  );
}

// Who was sent the order last is who answered it.
function answerer({ statuses }) {
  return statuses.findLast(({ extension }) => extension !== undefined)?.extension;
}

function tally(names) {
  const counts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const identities = (taverns) => taverns.map(({ identity }) => identity).sort();

scene('Free: whoever is least busy answers', async (house, taverns) => {
  const guests = await guestsOf(house);
  house.llm.behaviour = repeat;
  const done = await outcomes(await orderAll(guests, ORDERS));
  const counts = tally(done.map(({ by }) => by));

  assert.deepEqual(Object.keys(counts).sort(), identities(taverns));
  assert.ok(Math.min(...Object.values(counts)) >= ORDERS / 6, JSON.stringify(counts));
});

scene('Manual: those answer that were assigned', async (house, taverns) => {
  const guests = await guestsOf(house);
  house.llm.behaviour = repeat;
  const assigned = new Map();
  const done = await under(house, 'Manual', async (monitor) => {
    for (const [number, guest] of guests.entries()) {
      const { identity } = taverns[number % taverns.length];
      const assignment = { clientRoom: guest.auth.clientId, extensions: [identity] };
      await monitor.ask('/rooms', 'ASSIGN_EXTENSION_TO_CLIENT', assignment);
      assigned.set(guest, identity);
    }
    return outcomes(await orderAll(guests, ORDERS));
  });

  for (const { guest, by } of done) assert.equal(by, assigned.get(guest));
});

for (const policy of ['Balanced', 'Random']) {
  scene(`${policy}: each room keeps to the one it was given`, async (house, taverns) => {
    const guests = await guestsOf(house);
    house.llm.behaviour = repeat;
    const { done, assignments } = await under(house, policy, async (monitor) => ({
      done: await outcomes(await orderAll(guests, ORDERS)),
      ...(await monitor.ask('/rooms', 'GET_ASSIGNMENTS')),
    }));

    for (const { guest, by } of done)
      assert.deepEqual(assignments[guest.auth.clientId], [by]);
    if (policy === 'Balanced') {
      const counts = Object.values(tally(Object.values(assignments).flat()));
      assert.equal(counts.length, taverns.length);
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`);
    }
  });
}

scene('Broadcast: ten orders, thirty answers', async (house, taverns) => {
  const guests = await guestsOf(house);
  house.llm.behaviour = repeat;
  const answered = async ({ guest, requestId, message }) => {
    await guest.tap().first('streamed_end', { requestId }, taverns.length);
    return { message, ...(await outcome(guest, requestId)) };
  };
  const heard = await under(house, 'Broadcast', async () => {
    const placed = await orderAll(guests, ORDERS / taverns.length);
    return Promise.all(placed.map(answered));
  });

  for (const { message, status, ends, chunks } of heard) {
    assert.equal(status, 'completed');
    assert.equal(ends.length, taverns.length);
    for (const { outputId } of ends) {
      const own = chunks.filter((chunk) => chunk.outputId === outputId);
      assert.equal(own.map(({ data }) => data).join(''), `You said ${message}`);
    }
  }
});

scene('one of three is killed in the middle, and comes back', async (house, taverns) => {
  const guests = await guestsOf(house);
  const victim = taverns[2];
  // A request with a name on it waits for whom it names.
  const [loyal] = guests;
  const begun = await order(loyal, victim, { message: 'from you alone' });
  const utterance = await house.llm.asked();
  utterance.write('Half');
  await hears(loyal, begun, 'Half');
  const held = [];
  house.llm.behaviour = (next) => held.push(next);
  const placed = await orderAll(guests, ORDERS);
  await victim.crash();
  house.llm.behaviour = repeat;
  for (const next of held) repeat(next);
  await utterance.hungUp();
  const done = await outcomes(placed);
  const lost = await outcome(loyal, begun);

  const others = identities(taverns.slice(0, 2));
  assert.deepEqual(Object.keys(tally(done.map(({ by }) => by))).sort(), others);
  assert.equal(lost.status, 'failed');
  assert.equal(lost.finalText, 'Half');
  assert.equal(lost.terminals, 1);

  await victim.comeBack();
  await house.connected(victim);
  const again = await order(loyal, victim, { message: 'you again' });
  assert.equal((await outcome(loyal, again)).finalText, 'You said you again');
});
