// What else one may ask of a SillyTavern: its characters, its chat, its events.

import assert from 'node:assert/strict';

import { becomes, call, hears, order, outcome, result, serve } from './orders.mjs';
import { scene } from './scene.mjs';
import { BARKEEPER, SERAPHINA } from './sillytavern.mjs';

/** Do something with other permissions than the user's usual ones. */
async function allowing(tavern, permissions, action) {
  const before = await tavern.tab.context(({ extensionSettings }, wanted) => {
    const { allow } = extensionSettings.tapster;
    const usual = { ...allow };
    Object.assign(allow, wanted);
    return usual;
  }, permissions);
  try {
    return await action();
  } finally {
    await tavern.tab.context(
      ({ extensionSettings }, usual) =>
        Object.assign(extensionSettings.tapster.allow, usual),
      before,
    );
  }
}

/** What the broker tells of an instance. */
async function known(guest, { identity }) {
  const { details } = await guest.ask('/auth', 'GET_SILLYTAVERN_EXTENSION');
  return details.find((each) => each.identity === identity);
}

/** Subscribe, and give a function that waits for the first such event. */
async function subscribe(guest, tavern, ...events) {
  const ack = await guest.ask('/llm', 'SUBSCRIBE_EVENTS', {
    target: tavern.identity,
    events,
  });
  assert.equal(ack.status, 'ok', ack.message);
  return async (event) => (await guest.tap().first('SILLYTAVERN_EVENT', { event })).data;
}

scene('the broker knows characters, model and version', async (house, tavern) => {
  const guest = await house.guest('/auth', '/function_call');
  const { characters, current, model } = await known(guest, tavern);
  const status = await result(guest, tavern, 'getStatus');

  assert.deepEqual(characters.map(({ name }) => name).sort(), ['Barkeeper', 'Seraphina']);
  assert.equal(current.avatar, SERAPHINA.avatar);
  assert.equal(model, 'house-brew');
  assert.equal(status.version, '1.19.0');
  assert.equal(status.api, 'openai');
  assert.equal(status.busy, false);
  assert.deepEqual(await result(guest, tavern, 'listCharacters'), characters);
});

scene('the character is switched, and answers', async (house, tavern) => {
  const guest = await house.guest('/auth', '/function_call');
  const hear = await subscribe(guest, tavern, 'CHARACTER_CHANGED');
  await result(guest, tavern, 'selectCharacter', BARKEEPER.name);
  const { current } = await hear('CHARACTER_CHANGED');
  const { utterance } = await serve(
    house,
    guest,
    tavern,
    { message: 'Hello?' },
    'Evening.',
  );
  const said = await tavern.tab.said(3);
  const now = (await known(guest, tavern)).current;
  const back = await result(guest, tavern, 'selectCharacter', SERAPHINA.avatar);

  assert.equal(current.avatar, BARKEEPER.avatar);
  assert.equal(utterance.question, 'Hello?');
  assert.deepEqual(said, [
    'Barkeeper: What will it be?',
    'User: Hello?',
    'Barkeeper: Evening.',
  ]);
  assert.equal(now.avatar, BARKEEPER.avatar);
  assert.equal(back.avatar, SERAPHINA.avatar);
});

scene(
  'the character is not switched in the middle of an answer',
  async (house, tavern) => {
    const guest = await house.guest('/function_call');
    const requestId = await order(guest, tavern);
    const utterance = await house.llm.asked();
    utterance.write('Half');
    await hears(guest, requestId, 'Half');
    const refused = await call(guest, tavern, 'selectCharacter', BARKEEPER.name);
    utterance.end();
    await outcome(guest, requestId);

    assert.equal(refused.success, false);
    assert.equal(refused.error.code, 9);
  },
);

scene('the chat is read, as far as one asks', async (house, tavern) => {
  const guest = await house.guest('/function_call');
  await serve(house, guest, tavern, { message: 'Read this.' }, 'And that.');
  const chat = await result(guest, tavern, 'getChat', 2);
  const message = '[data-i18n] is no HTML: <b>bold</b>';
  await serve(house, guest, tavern, { message }, '<i>Well.</i>');
  const [asked] = await result(guest, tavern, 'getChat', { limit: 2 });

  assert.deepEqual(
    chat.map(({ name, text, isUser }) => [name, text, isUser]),
    [
      ['User', 'Read this.', true],
      ['Seraphina', 'And that.', false],
    ],
  );
  assert.equal(asked.text, message);
});

scene('stopGeneration stops what is running', async (house, tavern) => {
  const guest = await house.guest('/function_call');
  const requestId = await order(guest, tavern);
  const utterance = await house.llm.asked();
  utterance.write('Half');
  await hears(guest, requestId, 'Half');
  assert.equal((await result(guest, tavern, 'getStatus')).busy, true);
  const { stopped } = await result(guest, tavern, 'stopGeneration');
  await utterance.hungUp();
  const { status, finalText } = await outcome(guest, requestId);

  assert.equal(stopped, true);
  assert.equal(status, 'cancelled');
  assert.equal(finalText, 'Half');
});

scene(
  'messages are edited and deleted where the user allows it',
  async (house, tavern) => {
    const guest = await house.guest('/function_call');
    const hear = await subscribe(guest, tavern, 'MESSAGE_EDITED', 'MESSAGE_DELETED');
    await serve(house, guest, tavern, { message: 'An ale.' }, 'No ale.');
    const [{ id: before }, { id }] = await result(guest, tavern, 'getChat', 2);
    const refused = await call(guest, tavern, 'editMessage', id, 'Stolen.');
    await allowing(tavern, { editChat: true }, async () => {
      await result(guest, tavern, 'editMessage', id, 'One {{user}} ale.');
      assert.equal((await hear('MESSAGE_EDITED')).id, id);
      const [shown] = await tavern.tab.shown(1);
      assert.equal(shown.replaceAll('\u2060', ''), 'One {{user}} ale.');
      await result(guest, tavern, 'deleteMessage', id);
      await hear('MESSAGE_DELETED');
    });

    assert.equal(refused.error.code, 6);
    assert.deepEqual(await tavern.tab.said(1), ['User: An ale.']);
    assert.equal((await result(guest, tavern, 'getChat', 1))[0].id, before);
  },
);

scene(
  'slash commands are off, and only those of the list are on',
  async (house, tavern) => {
    const guest = await house.guest('/function_call');
    const run = (command) => call(guest, tavern, 'runSlashCommand', command);
    const off = await run('/echo hello');
    const [listed, unlisted, piped] = await allowing(
      tavern,
      { slashCommands: true },
      async () => [
        await run('/echo hello'),
        await run('/newchat'),
        await run('/echo hello | /newchat'),
      ],
    );

    assert.equal(off.error.code, 6);
    assert.equal(listed.result, 'hello');
    assert.equal(unlisted.error.code, 6);
    assert.equal(piped.error.code, 503);
  },
);

scene('what the user does not allow is refused with a reason', async (house, tavern) => {
  const guest = await house.guest('/function_call');
  const messages = [{ role: 'user', content: 'One ale, please.' }];
  const [inChat, fromMessages] = await allowing(
    tavern,
    { chat: false, readChat: false, switchCharacter: false },
    async () => {
      assert.equal((await call(guest, tavern, 'getChat')).error.code, 6);
      const character = await call(guest, tavern, 'selectCharacter', BARKEEPER.name);
      assert.equal(character.error.code, 6);
      // It may be refused before it is stored, and then the ack says so already.
      const requestId = 'refused';
      await guest.order({ requestId, target: tavern.identity });
      const refused = await outcome(guest, requestId);
      return [refused, await serve(house, guest, tavern, { messages }, 'Here.')];
    },
  );

  assert.equal(inChat.status, 'failed');
  assert.equal(inChat.error.code, 6);
  assert.equal(fromMessages.status, 'completed');
});

scene('a function that there is not is refused', async (house, tavern) => {
  const guest = await house.guest('/function_call');

  assert.equal((await call(guest, tavern, 'toString')).error.code, 501);
  assert.equal((await call(guest, tavern, 'getChat', 'all')).error.code, 503);
  assert.equal((await call(guest, tavern, 'selectCharacter', 'Nobody')).error.code, 7);
});

scene('clients hear of what SillyTavern does', async (house, tavern) => {
  const guest = await house.guest();
  const events = ['MESSAGE_SENT', 'MESSAGE_RECEIVED', 'MESSAGE_SWIPED', 'CHAT_CHANGED'];
  const hear = await subscribe(guest, tavern, ...events);
  await serve(house, guest, tavern, { message: 'One ale.' }, 'Here.');
  const sent = await hear('MESSAGE_SENT');
  const received = await hear('MESSAGE_RECEIVED');
  await tavern.tab.swipe();
  (await house.llm.asked()).write('Or there.').end();
  const swiped = await hear('MESSAGE_SWIPED');
  await guest.tap().first('SILLYTAVERN_EVENT', { event: 'MESSAGE_RECEIVED' }, 2);
  await tavern.tab.newChat();
  const { current } = await hear('CHAT_CHANGED');

  assert.equal(sent.message.text, 'One ale.');
  assert.equal(received.message.text, 'Here.');
  assert.equal(swiped.id, received.id);
  assert.equal(current.avatar, SERAPHINA.avatar);
});

scene("what the user generates himself is nobody's answer", async (house, tavern) => {
  const guest = await house.guest();
  const mine = tavern.tab.context((context) =>
    context.generate('regenerate', { automatic_trigger: true }),
  );
  const his = await house.llm.asked();
  const requestId = await order(guest, tavern, { message: 'And me?' });
  await becomes(guest, requestId, 'sent');
  his.write('For the user.').end();
  await mine;
  const utterance = await house.llm.asked();
  utterance.write('For you.').end();
  const { text } = await outcome(guest, requestId);

  assert.equal(text, 'For you.');
});
