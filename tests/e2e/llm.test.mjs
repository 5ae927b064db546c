// SillyTavern as npm delivers it, and nothing of ours in it: the harness itself.

import assert from 'node:assert/strict';

import { scenes } from './scene.mjs';

const scene = scenes({ needs: (house) => house.bare() });

// In the page: what SillyTavern hears of its LLM, for the tests to wait on.
function listen(context) {
  globalThis.heard = '';
  context.eventSource.on(context.eventTypes.STREAM_TOKEN_RECEIVED, (text) => {
    globalThis.heard = text;
  });
}

scene('an answer of the LLM streams into the page', async (house, { tab }) => {
  const generated = tab.context(async (context) => {
    const { sendMessageAsUser } = await import('/script.js');
    await sendMessageAsUser('One story, please.', '');
    await context.generate('normal', { automatic_trigger: true });
  });
  const utterance = await house.llm.asked();
  utterance.write('Once', ' upon');
  await utterance.shatter(' 一段', '故事', ' \ud83c', '\udf7a.');
  utterance.end();
  await generated;

  assert.equal(utterance.question, 'One story, please.');
  assert.equal(utterance.streams, true);
  assert.deepEqual(await tab.said(2), [
    'User: One story, please.',
    'Seraphina: Once upon 一段故事 🍺.',
  ]);
  assert.deepEqual(await tab.shown(1), ['Once upon 一段故事 🍺.']);
});

scene('a generation that its user stops hangs up on the LLM', async (house, { tab }) => {
  await tab.context(listen);
  const generated = tab.context((context) =>
    context.generate('regenerate', { automatic_trigger: true }),
  );
  const utterance = await house.llm.asked();
  utterance.write('Never', ' ending');
  await tab.page.waitForFunction(() => globalThis.heard === 'Never ending');
  await tab.clickStop();
  await utterance.hungUp();
  await generated;

  assert.deepEqual(await tab.said(1), ['Seraphina: Never ending']);
});
