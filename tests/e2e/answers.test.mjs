// Answers, as those who ordered them read them and as SillyTavern's user sees them.

import assert from 'node:assert/strict';

import { becomes, hears, order, outcome, serve } from './orders.mjs';
import { scene } from './scene.mjs';

const DRAFT = '/half a thought {{user}}';

scene('an answer in the chat streams to who ordered it', async (house, tavern) => {
  const guest = await house.guest();
  const requestId = await order(guest, tavern, { message: 'One ale, please.' });
  const utterance = await house.llm.asked();
  utterance.write('Here');
  await hears(guest, requestId, 'Here');
  utterance.write(' you', ' are.');
  await hears(guest, requestId, 'Here you are.');
  utterance.end();
  const { status, terminals, chunks, ends } = await outcome(guest, requestId);

  assert.equal(utterance.question, 'One ale, please.');
  assert.equal(status, 'completed');
  assert.equal(terminals, 1);
  assert.equal(ends.length, 1);
  assert.ok(chunks.length > 1, 'it came in one piece');
  assert.deepEqual(await tavern.tab.said(2), [
    'User: One ale, please.',
    'Seraphina: Here you are.',
  ]);
  assert.deepEqual(await tavern.tab.shown(2), ['One ale, please.', 'Here you are.']);
});

scene('an answer from messages leaves the chat as it is', async (house, tavern) => {
  const guest = await house.guest();
  const before = await tavern.tab.said(1000);
  const messages = [
    { role: 'system', content: 'You are a barkeeper of few words.' },
    { role: 'user', content: 'One ale for {{user}}.' },
  ];
  const requestId = await order(guest, tavern, { messages });
  const utterance = await house.llm.asked();
  utterance.write('Coming');
  await hears(guest, requestId, 'Coming');
  utterance.write('.').end();
  const { status, text } = await outcome(guest, requestId);

  assert.equal(status, 'completed');
  assert.equal(text, 'Coming.');
  assert.deepEqual(utterance.messages, messages);
  assert.deepEqual(await tavern.tab.said(1000), before);
});

for (const [way, fields] of [
  ['in the chat', {}],
  ['from messages', { messages: [{ role: 'user', content: '再来一杯 🍺' }] }],
]) {
  scene(`text of many bytes comes whole ${way}`, async (house, tavern) => {
    const guest = await house.guest();
    const text = '一杯啤酒 🍺 and a 👩‍👩‍👧 of Ζύθος.';
    const requestId = await order(guest, tavern, { message: '再来一杯 🍺', ...fields });
    const utterance = await house.llm.asked();
    await utterance.shatter(...text.split(''));
    await utterance.shatter(...text);
    utterance.end();
    const { status, finalText } = await outcome(guest, requestId);

    assert.equal(status, 'completed');
    assert.equal(utterance.question, '再来一杯 🍺');
    assert.equal(finalText, text + text);
  });
}

scene('an answer that is not to stream comes in one piece', async (house, tavern) => {
  const guest = await house.guest();
  const fields = { isStreaming: false };
  const { status, chunks, messages } = await serve(
    house,
    guest,
    tavern,
    fields,
    'One',
    ' ale.',
  );

  assert.equal(status, 'completed');
  assert.deepEqual(chunks, []);
  assert.deepEqual(
    messages.map(({ data }) => data),
    ['One ale.'],
  );
});

scene(
  'what SillyTavern trims at the end is corrected at the reader',
  async (house, tavern) => {
    const guest = await house.guest();
    const { status, text, ends } = await serve(
      house,
      guest,
      tavern,
      {},
      'An ale.',
      '  \n',
      ' \n',
    );
    await guest.ask('/llm', 'GET_FULL_CONTEXT', {
      roomName: guest.auth.clientId,
      whole: true,
    });
    const { context } = await guest.tap().first('UPDATE_CONTEXT');

    assert.equal(status, 'completed');
    assert.notEqual(text, 'An ale.');
    assert.deepEqual(
      ends.map(({ finalText }) => finalText),
      ['An ale.'],
    );
    assert.equal(context.at(-1).data, 'An ale.');
  },
);

scene('an answer is made anew where it stood', async (house, tavern) => {
  const guest = await house.guest();
  await serve(house, guest, tavern, { message: 'A name?' }, 'Bitter.');
  const { length } = await tavern.tab.said(1000);
  const fields = { requestType: 'regenerateMessage' };
  const again = await serve(house, guest, tavern, fields, 'Sto', 'ut.');

  assert.equal(again.status, 'completed');
  assert.equal(again.text, 'Stout.');
  assert.equal(again.utterance.question, 'A name?');
  assert.deepEqual(await tavern.tab.said(2), ['User: A name?', 'Seraphina: Stout.']);
  assert.equal((await tavern.tab.said(1000)).length, length);
});

scene('what the user is typing survives', async (house, tavern) => {
  const guest = await house.guest();
  await tavern.tab.draft.fill(DRAFT);
  const requestId = await order(guest, tavern);
  const utterance = await house.llm.asked();
  utterance.write('Half');
  await hears(guest, requestId, 'Half');
  const meanwhile = await tavern.tab.draft.inputValue();
  utterance.end();
  await outcome(guest, requestId);
  const afterwards = await tavern.tab.draft.inputValue();
  await tavern.tab.draft.fill('');

  assert.equal(meanwhile, DRAFT);
  assert.equal(afterwards, DRAFT);
});

scene('remote text is neither a macro nor a command', async (house, tavern) => {
  const guest = await house.guest();
  const message = '/setvar key=ale {{user}} {{setvar::ale::stolen}}<USER>';
  const { utterance, status } = await serve(house, guest, tavern, { message }, 'Well.');
  const [asked] = await tavern.tab.said(2);
  const ale = await tavern.tab.context(({ variables }) => variables.local.get('ale'));
  // What parts a macro is nothing that one sees.
  const seen = (text) => text.replaceAll('\u2060', '');

  assert.equal(status, 'completed');
  assert.equal(seen(utterance.question), message);
  assert.equal(seen(asked), `User: ${message}`);
  assert.equal(ale, '');
});

scene('who orders while another is served waits for his turn', async (house, tavern) => {
  const [first, second] = [await house.guest(), await house.guest()];
  const early = await order(first, tavern, { message: 'First!' });
  const utterance = await house.llm.asked();
  const late = await order(second, tavern, { message: 'Second!' });
  await becomes(second, late, 'queued');
  utterance.write('One.').end();
  const next = await house.llm.asked();
  next.write('Two.').end();

  assert.equal((await outcome(first, early)).finalText, 'One.');
  assert.equal((await outcome(second, late)).finalText, 'Two.');
  assert.equal(next.question, 'Second!');
});
