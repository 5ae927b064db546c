// Answers that end before their time: by who ordered, by the user, by the LLM.

import assert from 'node:assert/strict';

import { hears, order, outcome } from './orders.mjs';
import { scene } from './scene.mjs';

const MESSAGES = [{ role: 'user', content: 'One ale, please.' }];

/** The ways of answering, and what SillyTavern lets its pages know of an LLM's error. */
const WAYS = [
  ['in the chat', {}, 'The barrel is empty'],
  ['from messages', { messages: MESSAGES }, 'Got response status 500'],
];

const cancel = (guest, requestId) => guest.ask('/llm', 'CANCEL_REQUEST', { requestId });

/** Whoever comes next is served as if nothing had been. */
async function nextIsServed(house, guest, tavern) {
  const message = 'And the next?';
  const requestId = await order(guest, tavern, { message });
  // What was cancelled may only now come to the LLM: it is not what we wait for.
  const utterance = await house.llm.asked(message);
  utterance.write('Next.').end();
  const { status, finalText } = await outcome(guest, requestId);

  assert.equal(status, 'completed');
  assert.equal(finalText, 'Next.');
}

for (const [way, fields, words] of WAYS) {
  scene(`who cancels at once is not served ${way}`, async (house, tavern) => {
    const guest = await house.guest();
    const asked = house.llm.requests.length;
    const requestId = await order(guest, tavern, fields);
    await cancel(guest, requestId);
    const { status, terminals } = await outcome(guest, requestId);

    assert.equal(status, 'cancelled');
    assert.equal(terminals, 1);
    await house.connected(tavern);
    for (const utterance of house.llm.requests.slice(asked)) await utterance.hungUp();
    await nextIsServed(house, guest, tavern);
  });

  scene(
    `cancelling before the first word hangs up on the LLM ${way}`,
    async (house, tavern) => {
      const guest = await house.guest();
      const requestId = await order(guest, tavern, fields);
      const utterance = await house.llm.asked();
      await cancel(guest, requestId);
      await utterance.hungUp();
      const { status, text } = await outcome(guest, requestId);

      assert.equal(status, 'cancelled');
      assert.equal(text, '');
      await nextIsServed(house, guest, tavern);
    },
  );

  scene(`cancelling in the middle hangs up on the LLM ${way}`, async (house, tavern) => {
    const guest = await house.guest();
    const requestId = await order(guest, tavern, fields);
    const utterance = await house.llm.asked();
    utterance.write('Half an', ' ale');
    await hears(guest, requestId, 'Half an ale');
    await cancel(guest, requestId);
    await utterance.hungUp();
    const { status, text, ends } = await outcome(guest, requestId);

    assert.equal(status, 'cancelled');
    assert.equal(text, 'Half an ale');
    assert.equal(ends.length, 1);
    await nextIsServed(house, guest, tavern);
  });

  scene(
    `cancelling at the very end changes nothing that was said ${way}`,
    async (house, tavern) => {
      const guest = await house.guest();
      const requestId = await order(guest, tavern, fields);
      const utterance = await house.llm.asked();
      utterance.write('An ale.').end();
      await hears(guest, requestId, 'An ale.');
      await cancel(guest, requestId);
      const { status, finalText, terminals } = await outcome(guest, requestId);

      assert.ok(['completed', 'cancelled'].includes(status), status);
      assert.equal(finalText, 'An ale.');
      assert.equal(terminals, 1);
      await nextIsServed(house, guest, tavern);
    },
  );

  scene(
    `an LLM that refuses ends the request with its error ${way}`,
    async (house, tavern) => {
      const guest = await house.guest();
      const requestId = await order(guest, tavern, fields);
      const utterance = await house.llm.asked();
      utterance.refuse(500, 'The barrel is empty');
      const { status, error, terminals } = await outcome(guest, requestId);

      assert.equal(status, 'failed');
      assert.equal(terminals, 1);
      assert.equal(error.code, 10500);
      assert.ok(error.message.includes(words), error.message);
      await nextIsServed(house, guest, tavern);
    },
  );

  scene(
    `an LLM that breaks off has said what it has said ${way}`,
    async (house, tavern) => {
      const guest = await house.guest();
      const requestId = await order(guest, tavern, fields);
      const utterance = await house.llm.asked();
      utterance.write('Half an', ' ale');
      await hears(guest, requestId, 'Half an ale');
      utterance.breakOff();
      const { status, finalText, terminals } = await outcome(guest, requestId);

      assert.equal(status, 'completed');
      assert.equal(finalText, 'Half an ale');
      assert.equal(terminals, 1);
      await nextIsServed(house, guest, tavern);
    },
  );

  // SillyTavern's server says nothing to its page when the LLM's process is gone: only
  // time ends what would else never end, in the page as well.
  scene(
    `an LLM that dies in the middle is waited for in vain ${way}`,
    async (house, tavern) => {
      const guest = await house.guest();
      const requestId = await order(guest, tavern, { ...fields, timeout: 5 });
      const utterance = await house.llm.asked();
      utterance.write('Half an', ' ale');
      await hears(guest, requestId, 'Half an ale');
      utterance.die();
      const { status, text, terminals, ends } = await outcome(guest, requestId);

      assert.equal(status, 'timeout');
      assert.equal(text, 'Half an ale');
      assert.equal(terminals, 1);
      assert.equal(ends.length, 1);
      await nextIsServed(house, guest, tavern);
    },
  );
}

scene(
  "the user's Stop ends the request as cancelled with what came",
  async (house, tavern) => {
    const guest = await house.guest();
    const requestId = await order(guest, tavern);
    const utterance = await house.llm.asked();
    utterance.write('Half an', ' ale');
    await hears(guest, requestId, 'Half an ale');
    await tavern.tab.clickStop();
    await utterance.hungUp();
    const { status, finalText, terminals } = await outcome(guest, requestId);

    assert.equal(status, 'cancelled');
    assert.equal(finalText, 'Half an ale');
    assert.equal(terminals, 1);
    await nextIsServed(house, guest, tavern);
  },
);
