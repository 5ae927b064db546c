// What others may do here, what they are told, and the draft in the box.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Announcements } from '../../extension/announcements.js';
import { Draft } from '../../extension/draft.js';
import { Functions } from '../../extension/functions.js';
import { Report } from '../../extension/report.js';
import { FakeTavern } from './fakes.mjs';

class FakeEditor {
  done = [];
  select = async (...args) => this.done.push(['select', ...args]);
  edit = async (...args) => this.done.push(['edit', ...args]);
  remove = async (...args) => this.done.push(['remove', ...args]);
  command = async (text) => `ran ${text}`;
}

class FakeConnection {
  open = true;
  told = [];
  tell = (...words) => this.told.push(words);
}

function bar() {
  const tavern = new FakeTavern();
  const editor = new FakeEditor();
  const jobs = { busy: false, running: [], stops: 0, stopAll: () => (jobs.stops += 1) };
  const functions = new Functions(tavern, editor, jobs);
  const call = (functionName, ...args) =>
    functions.answer({ requestId: 'c1', functionName, args });
  return { tavern, editor, jobs, call };
}

test('each function needs what the user allows', async () => {
  const { tavern, call } = bar();
  tavern.settings.allow = {};
  const names = [
    'selectCharacter',
    'getChat',
    'stopGeneration',
    'editMessage',
    'deleteMessage',
    'runSlashCommand',
  ];
  for (const name of names) {
    const { success, error } = await call(name);
    assert.deepEqual([success, error.code], [false, 6], name);
  }
  assert.deepEqual((await call('listFunctions')).result, [
    'listFunctions',
    'listCharacters',
    'getStatus',
  ]);
});

test('what is no function is not called', async () => {
  const { call } = bar();
  for (const name of ['nothing', 'constructor', 'answer', '__proto__']) {
    assert.equal((await call(name)).error.code, 501, name);
  }
});

test('a character is found by its avatar or its name', async () => {
  const { editor, call, tavern } = bar();
  await call('selectCharacter', 'Ben');
  await call('selectCharacter', { avatar: 'ann.png' });
  const { error } = await call('selectCharacter', 'Nobody');
  tavern.busy = true;
  const busy = await call('selectCharacter', 'Ben');

  assert.deepEqual(editor.done, [
    ['select', 1, 'ben.png'],
    ['select', 0, 'ann.png'],
  ]);
  assert.equal(error.code, 7);
  assert.equal(busy.error.code, 9);
});

test('the chat is read from its end', async () => {
  const { tavern, call } = bar();
  tavern.chat = ['a', 'b', 'c'].map((mes) => ({ name: 'Ann', mes, is_user: mes === 'b' }));
  const { result } = await call('getChat', 2);

  assert.deepEqual(
    result.map(({ id, text, isUser }) => [id, text, isUser]),
    [
      [1, 'b', true],
      [2, 'c', false],
    ],
  );
  assert.equal((await call('getChat', { limit: 1 })).result.length, 1);
  assert.equal((await call('getChat', 0)).error.code, 503);
});

test('messages are edited and deleted where they are', async () => {
  const { tavern, editor, call } = bar();
  tavern.settings.allow.editChat = true;
  await call('editMessage', { id: 0, text: '{{user}}!' });
  await call('deleteMessage', 0);
  const { error } = await call('deleteMessage', 7);

  assert.deepEqual(editor.done[0].slice(0, 2), ['edit', 0]);
  assert.ok(!editor.done[0][2].includes('{{'));
  assert.deepEqual(editor.done[1], ['remove', 0]);
  assert.equal(error.code, 7);
});

test('slash commands are run one at a time, and only those on the list', async () => {
  const { tavern, call } = bar();
  tavern.settings.allow.slashCommands = true;
  const refused = [
    ['/delchat', 6],
    ['/echo a | /delchat', 503],
    ['/echo {: /delchat :}', 503],
    ['/echo a\n/delchat', 503],
    ['/echo {{setvar::a::b}}', 503],
    ['echo a', 503],
    ['/echo/delchat', 503],
  ];

  assert.equal((await call('runSlashCommand', '/echo hi')).result, 'ran /echo hi');
  for (const [text, code] of refused) {
    assert.equal((await call('runSlashCommand', text)).error?.code, code, text);
  }
});

test('stopping stops what runs in the chat and what does not', async () => {
  const { tavern, jobs, call } = bar();
  tavern.busy = true;

  assert.deepEqual((await call('stopGeneration')).result, { stopped: true });
  assert.deepEqual([jobs.stops, tavern.stops], [1, 1]);
});

test('only wanted events are told, under the name they were wanted by', () => {
  const tavern = new FakeTavern();
  const connection = new FakeConnection();
  const announcements = new Announcements(tavern, connection);
  tavern.emit('MESSAGE_RECEIVED', 0, 'normal');
  announcements.want({ events: ['message_received', 'CHARACTER_CHANGED'] });
  tavern.emit('MESSAGE_RECEIVED', 0, 'normal');
  tavern.emit('MESSAGE_EDITED', 0);
  tavern.emit('CHAT_CHANGED', 'chat 1');
  tavern.current = { name: 'Ben', avatar: 'ben.png' };
  tavern.emit('CHAT_CHANGED', 'chat 2');

  const events = connection.told.map(([, { event }]) => event);
  assert.deepEqual(events, ['message_received', 'CHARACTER_CHANGED']);
  assert.equal(connection.told[0][1].data.message.text, 'Hello.');
});

test('who may not read the chat is not told what is said', () => {
  const tavern = new FakeTavern();
  const connection = new FakeConnection();
  tavern.settings.allow.readChat = false;
  new Announcements(tavern, connection).want({ events: ['MESSAGE_EDITED'] });
  tavern.emit('MESSAGE_EDITED', 0);

  assert.deepEqual(connection.told[0][1].data, { id: 0 });
});

test('the broker is told of changes, and of nothing twice', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const tavern = new FakeTavern();
  const connection = new FakeConnection();
  const report = new Report(tavern, connection);
  const card = report.card();
  tavern.emit('CHAT_CHANGED');
  context.mock.timers.tick(1_000);
  tavern.current = { name: 'Ben', avatar: 'ben.png' };
  tavern.model = 'stout';
  tavern.emit('CHAT_CHANGED');
  tavern.emit('MAIN_API_CHANGED');
  context.mock.timers.tick(1_000);

  assert.equal(card.capacity, 1);
  assert.equal(card.version, '1.19.0');
  const { characters, current } = tavern;
  assert.deepEqual(connection.told, [
    ['CHARACTERS_UPDATED', { characters, current }],
    ['CLIENT_SETTINGS', { model: 'stout' }],
  ]);
});

/** A box that one types in, in a document that has nothing else. */
function boxWith(text) {
  const box = new EventTarget();
  Object.assign(box, { value: text, selectionStart: 2, caret: null });
  box.setSelectionRange = (start) => (box.caret = start);
  const type = (typed) => {
    box.value = typed;
    const event = new Event('input');
    Object.defineProperty(event, 'isTrusted', { value: true });
    box.dispatchEvent(event);
  };
  const clear = () => {
    box.value = '';
    box.dispatchEvent(new Event('input'));
  };
  const document = { getElementById: (id) => (id === 'send_textarea' ? box : null) };
  return { box, type, clear, document };
}

test('a draft is away while SillyTavern looks, and back as soon as it has cleared', async () => {
  const { box, clear, document } = boxWith('/half a thought');
  const draft = new Draft(document, { keepAway: false });
  const during = box.value;
  clear();
  await null;
  const after = box.value;
  box.value = 'typed on';
  draft.restore();

  assert.equal(during, '');
  assert.equal(after, '/half a thought');
  assert.equal(box.caret, 2);
  assert.equal(box.value, 'typed on');
});

test('what is typed meanwhile stands after the draft', async () => {
  const { box, type, document } = boxWith('half ');
  const draft = new Draft(document, { keepAway: false });
  type('an ale');
  draft.restore();

  assert.equal(box.value, 'half an ale');
});

test('in a group the box stays empty until all have spoken', async () => {
  const { box, clear, document } = boxWith('half');
  const draft = new Draft(document, { keepAway: true });
  clear();
  await null;
  const during = box.value;
  draft.restore();

  assert.equal(during, '');
  assert.equal(box.value, 'half');
});
