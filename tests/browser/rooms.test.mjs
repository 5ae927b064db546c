// Rooms: making them, who is in them, what was said in them, and talking in one.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { Answer, requestOf } from '../integration/js/tavern.mjs';

import { inBothLanguages, scene } from './scene.mjs';

let rooms = 0;

const newName = () => `room ${(rooms += 1)}`;

/** Wide enough to have all of a room beside each other. */
const WIDE = { width: 1600, height: 1000 };

const talk = (desk) => desk.page.getByRole('region', { name: desk.t('room.history') });

/** A message in the history, by its text. */
const said = (desk, text) => talk(desk).getByRole('listitem').filter({ hasText: text });

/** A room with a guest in it as its master, and the page that shows it. */
async function roomWith(house, { language = 'en', mode = 'Immediate' } = {}) {
  const roomName = newName();
  const [guest, desk] = await Promise.all([
    house.guest(),
    house.operator({ language, ...WIDE }),
  ]);
  await guest.ask('/rooms', 'CREATE_ROOM', { roomName, mode, open: true });
  return { roomName, guest, desk };
}

async function openRoom(desk, roomName) {
  await desk.go(`rooms/${encodeURIComponent(roomName)}`, null);
  await desk.page.getByRole('heading', { name: roomName, exact: true }).waitFor();
  await talk(desk).waitFor();
}

async function say(guest, targetRoom, data) {
  const ack = await guest.ask('/llm', 'message', { targetRoom, data });
  assert.equal(ack.status, 'ok', ack.message);
}

const membersOf = (desk) =>
  desk.page.getByRole('table', { name: desk.t('room.members') });

inBothLanguages('a room is created with all that it can have, and deleted', async (house, language) => {
  const roomName = newName();
  const desk = await house.operator({ language, ...WIDE });
  const monitor = await house.monitor();
  await desk.go('rooms');
  await desk.button('rooms.create').click();
  const within = desk.dialog;
  await desk.field('rooms.name', { within }).fill(roomName);
  await desk.field('room.mode', { within }).selectOption('MasterOnly');
  await desk.field('rooms.password', { within }).fill('open sesame');
  await desk.field('rooms.openHint', { within }).check();
  await desk.field('rooms.keepHint', { within }).check();
  await desk.button('rooms.create', { within }).click();
  await desk.page.getByRole('heading', { name: roomName, exact: true }).waitFor();
  const { details } = await monitor.ask('/rooms', 'GET_ROOMS', {});
  const made = details.find((room) => room.roomName === roomName);
  await desk.go('rooms');
  await desk.field('rooms.search').fill(roomName);
  await desk.button('rooms.deleteOne', { room: roomName }).click();
  await desk.confirm('rooms.delete');
  await desk.says('rooms.deleted', { room: roomName });
  await desk.gone(desk.row(roomName));

  assert.deepEqual([made.mode, made.open, made.keep], ['MasterOnly', true, true]);
});

inBothLanguages('the mode of a room is changed, here and by others', async (house, language) => {
  const { roomName, guest, desk } = await roomWith(house, { language });
  await openRoom(desk, roomName);
  await desk.button('room.enter').click();
  await desk.field('room.mode').selectOption('Separate');
  await guest.tap('/rooms').first('ROOM_MODE_CHANGED', { roomName, mode: 'Separate' });
  await guest.ask('/rooms', 'SET_ROOM_MESSAGE_REQUEST_MODE', { roomName, mode: 'MasterOnly' });
  await desk.says('room.mode.MasterOnly.about');
});

inBothLanguages('members get roles, are muted, added and put out', async (house, language) => {
  const { roomName, guest, desk } = await roomWith(house, { language });
  const other = await house.guest();
  const identity = other.auth.clientId;
  await openRoom(desk, roomName);
  await desk.button('room.enter').click();
  await desk.field('room.add').fill(identity);
  await desk.button('room.addNow').click();
  const row = membersOf(desk).getByRole('row').filter({ hasText: identity });
  await row.waitFor();
  await desk.field('room.roleOf', { identity }).selectOption('manager');
  const heard = other.tap('/rooms');
  await heard.first('MEMBER_ROLE_CHANGED', { identity, role: 'manager' });
  await desk.button('room.muteOne', { identity }).click();
  await desk.button('room.untilUnmuted', { within: desk.dialog }).click();
  await row.getByText(desk.t('room.muted')).waitFor();
  await heard.first('MEMBER_MUTED', { identity });
  await desk.button('room.unmuteOne', { identity }).click();
  await heard.first('MEMBER_UNMUTED', { identity });
  await desk.button('room.takeOutOne', { identity }).click();
  await desk.gone(row);
  await heard.first('MEMBER_LEFT', { identity, reason: 'removed' });
  await other.ask('/rooms', 'JOIN_ROOM', roomName);
  await row.waitFor();
  await desk.button('room.kickOne', { identity }).click();
  await desk.confirm('room.kick');
  await heard.first('MEMBER_LEFT', { identity, reason: 'kicked' });
  await desk.gone(row);
  const again = await other.ask('/rooms', 'JOIN_ROOM', roomName);

  assert.equal(again.code, 303);
  assert.ok(await membersOf(desk).getByText(guest.auth.clientId).isVisible());
});

inBothLanguages('the history is searched, edited, deleted from and cleared', async (house, language) => {
  const { roomName, guest, desk } = await roomWith(house, { language });
  for (const text of ['the first ale', 'the second ale', 'a bowl of soup']) {
    await say(guest, roomName, text);
  }
  await openRoom(desk, roomName);
  await said(desk, 'a bowl of soup').waitFor();
  await desk.field('room.search').fill('ALE');
  await desk.gone(said(desk, 'a bowl of soup'));
  await desk.says('room.found', { count: 2 });
  await desk.field('room.search').fill('');
  await said(desk, 'a bowl of soup').waitFor();
  await said(desk, 'the first ale').hover();
  await desk.button('room.edit', { within: said(desk, 'the first ale') }).click();
  await desk.field('room.text', { within: desk.dialog }).fill('a jug of cider');
  await desk.confirm('room.save');
  await said(desk, 'a jug of cider').getByText(desk.t('room.edited')).waitFor();
  await said(desk, 'the second ale').hover();
  await desk.button('room.remove', { within: said(desk, 'the second ale') }).click();
  await desk.confirm('room.remove');
  await desk.gone(said(desk, 'the second ale'));
  const { context } = await wholeHistory(guest, roomName);
  await desk.button('room.clear.everything').click();
  await desk.confirm('room.clearNow');
  await desk.says('room.cleared');
  await desk.gone(said(desk, 'a jug of cider'));

  const texts = context.filter(({ fromClient }) => fromClient).map(({ data }) => data);
  assert.deepEqual(texts, ['a jug of cider', 'a bowl of soup']);
});

async function wholeHistory(guest, roomName) {
  await guest.ask('/rooms', 'GET_FULL_CONTEXT', { roomName, whole: true });
  return guest.tap('/rooms').first('UPDATE_CONTEXT', { roomName });
}

inBothLanguages('the history is exported as JSON, and as a chat of SillyTavern', async (house, language) => {
  const { roomName, guest, desk } = await roomWith(house, { language });
  const tavern = await house.tavern({
    behaviour: (answer) => answer.start().write('Here ', 'you are.').end(),
  });
  await guest.order({
    requestId: 'ale',
    target: tavern.identity,
    targetRoom: roomName,
    message: 'An ale, please.',
  });
  await guest.tap().first('REQUEST_STATUS_UPDATE', { requestId: 'ale', status: 'completed' });
  await openRoom(desk, roomName);
  await said(desk, 'Here you are.').waitFor();
  const json = JSON.parse(await exported(desk, 'room.exportJson'));
  const chat = (await exported(desk, 'room.exportChat')).trim().split('\n').map(JSON.parse);

  const texts = json.messages.map(({ message, data }) => message ?? data);
  assert.equal(json.roomName, roomName);
  assert.ok(texts.includes('An ale, please.') && texts.includes('Here you are.'));
  assert.ok('user_name' in chat[0] && 'chat_metadata' in chat[0]);
  assert.deepEqual(
    chat.slice(1).map(({ name, is_user, mes }) => [name, is_user, mes]),
    [
      [guest.auth.clientId, true, 'An ale, please.'],
      [tavern.identity, false, 'Here you are.'],
    ],
  );
});

async function exported(desk, key) {
  const coming = desk.page.waitForEvent('download');
  await desk.button(key).click();
  return readFile(await (await coming).path(), 'utf8');
}

scene('a long history is read page by page, and only a part of it is drawn', async (house) => {
  const { roomName, guest, desk } = await roomWith(house);
  const numbers = Array.from({ length: 250 }, (_, index) => index);
  await Promise.all(numbers.map((number) => say(guest, roomName, `line ${number}.`)));
  await openRoom(desk, roomName);
  await said(desk, 'line 249.').waitFor();
  const drawn = await talk(desk).getByRole('listitem').count();
  await talk(desk).focus();
  await desk.page.keyboard.press('Home');
  await said(desk, 'line 0.').first().waitFor();
  const later = await talk(desk).getByRole('listitem').count();

  assert.ok(drawn < 200 && later < 200, `${drawn}, ${later} messages are drawn`);
}, { ms: 60_000 });

inBothLanguages('a history that is here offers nothing more to be loaded', async (house, language) => {
  const { roomName, guest, desk } = await roomWith(house, { language });
  await say(guest, roomName, 'All there is.');
  await openRoom(desk, roomName);
  await said(desk, 'All there is.').waitFor();
  await desk.says('room.begin');

  assert.equal(await desk.button('room.loadOlder').count(), 0);
});

inBothLanguages('a history that is longer is offered, and loaded', async (house, language) => {
  const { roomName, guest, desk } = await roomWith(house, { language });
  for (const letter of 'abcde') await say(guest, roomName, letter.repeat(250_000));
  await openRoom(desk, roomName);
  await said(desk, 'eeee').waitFor();
  await desk.button('room.loadOlder').click();
  await said(desk, 'aaaa').waitFor();
  await desk.button('room.loadOlder').waitFor({ state: 'detached' });
});

inBothLanguages('what is refused is said to the operator, and is no fault of the page', async (house, language) => {
  const [guest, desk] = await Promise.all([house.guest(), house.operator({ language, ...WIDE })]);
  const identity = guest.auth.clientId;
  await openRoom(desk, identity);
  await desk.button('room.takeOutOne', { identity }).click();
  const { message } = await (await house.monitor()).ask('/rooms', 'REMOVE_CLIENT_FROM_ROOM', {
    roomName: identity,
    targetIdentity: identity,
  });
  await desk.page.getByRole('alert').getByText(message).waitFor();
  await desk.button('room.takeOutOne', { identity }).click();
  await desk.page.getByRole('alert').getByText(message).nth(1).waitFor();
});

// -- the chat

/** The language by its own name: the switch that is on every page. */
const SWITCH = { zh: '简体中文', en: 'English' };

scene('a draft, and to whom, outlives another language and another view, and not a sign-out', async (house) => {
  const { tavern, roomName, desk } = await chatting(house, 'en');
  const writing = async () => [
    await desk.field('room.write').inputValue(),
    await desk.field('room.target').inputValue(),
  ];
  const speak = async (language) => {
    await desk.page.getByRole('button', { name: SWITCH[language], exact: true }).click();
    desk.language = language;
    await desk.field('room.write').waitFor();
  };
  await desk.field('room.write').fill('An ale, <b>please</b>.');
  await speak('zh');
  const inChinese = await writing();
  await desk.field('room.write').fill('Two ales.');
  await speak('en');
  await desk.go('logs');
  await openRoom(desk, roomName);
  const later = await writing();
  await desk.button('room.sayOnly').click();
  await said(desk, 'Two ales.').waitFor();
  await speak('zh');
  const sent = await writing();
  await desk.field('room.write').fill('A secret.');
  await desk.button('core.signOut').click();
  const { operatorKey: key } = await house.monitor();
  await desk.signIn({ clientId: 'operator', key });
  await talk(desk).waitFor();
  const afterwards = await desk.page.locator('.composer textarea').inputValue();

  assert.deepEqual(inChinese, ['An ale, <b>please</b>.', tavern.identity]);
  assert.deepEqual(later, ['Two ales.', tavern.identity]);
  assert.deepEqual(sent, ['', tavern.identity]);
  assert.equal(afterwards, '');
});

async function asks(desk, text) {
  await desk.field('room.write').fill(text);
  await desk.button('room.order').click();
}

/** A room that the operator has come into, and the SillyTavern that is to answer there. */
async function chatting(house, language) {
  const tavern = await house.tavern();
  const { roomName, guest, desk } = await roomWith(house, { language });
  await openRoom(desk, roomName);
  await desk.button('room.enter').click();
  await desk.field('room.target').selectOption(tavern.identity);
  return { tavern, roomName, guest, desk };
}

inBothLanguages('an operator asks in a room, and reads the answer as it comes', async (house, language) => {
  const { tavern, guest, desk, roomName } = await chatting(house, language);
  await asks(desk, 'An ale, please.');
  const answer = new Answer(tavern, await requestOf(tavern));
  await said(desk, 'An ale, please.').getByText(desk.t('room.status.sent')).waitFor();
  answer.start().write('Here ');
  await said(desk, 'Here').waitFor();
  answer.write('you ');
  await said(desk, 'Here you').waitFor();
  answer.write('are.').end();
  await said(desk, 'An ale, please.').getByText(desk.t('room.status.completed')).waitFor();
  await said(desk, 'Here you are.').getByText(tavern.identity).waitFor();
  await say(guest, roomName, 'And one for me!');
  await said(desk, 'And one for me!').waitFor();
  const left = await desk.field('room.write').inputValue();

  assert.equal(left, '');
  assert.equal(await said(desk, 'Here you are.').count(), 1);
});

inBothLanguages('an answer is stopped in the middle, and keeps what came of it', async (house, language) => {
  const { tavern, desk } = await chatting(house, language);
  await asks(desk, 'A long tale, please.');
  const request = await requestOf(tavern);
  new Answer(tavern, request).start().write('Once upon ');
  await said(desk, 'Once upon').waitFor();
  await desk.button('room.cancel', { within: talk(desk) }).last().click();
  await tavern.tap().first('CANCEL_REQUEST', { requestId: request.requestId });
  await said(desk, 'A long tale').getByText(desk.t('room.status.cancelled'), { exact: true }).waitFor();
  await said(desk, 'Once upon').getByText(desk.t('room.status.cancelled'), { exact: true }).waitFor();
});

inBothLanguages('an answer goes on where it stopped when the connection was cut', async (house, language) => {
  const { tavern, desk } = await chatting(house, language);
  await asks(desk, 'A long tale, please.');
  const answer = new Answer(tavern, await requestOf(tavern));
  answer.start().write('one ', 'two ');
  await said(desk, 'one two').waitFor();
  const before = desk.page.waitForEvent('websocket');
  await desk.cut();
  answer.write('three ', 'four ');
  await before;
  await said(desk, 'one two three four').waitFor();
  answer.write('five.').end();
  await said(desk, 'A long tale').getByText(desk.t('room.status.completed')).waitFor();
  await said(desk, 'one two three four five.').waitFor();

  assert.equal(await said(desk, 'one two').count(), 1);
});

scene('what failed says why, and only saying orders nothing', async (house) => {
  const { tavern, desk, guest } = await chatting(house, 'en');
  await desk.field('room.write').fill('Only thinking aloud.');
  await desk.button('room.sayOnly').click();
  await said(desk, 'Only thinking aloud.').waitFor();
  await asks(desk, 'A tale, please.');
  new Answer(tavern, await requestOf(tavern)).start().fail('the cellar is flooded');
  await said(desk, 'A tale').getByText('the cellar is flooded').waitFor();
  const heard = await guest.tap().first('NEW_MESSAGE', ({ message }) => message.message === 'Only thinking aloud.');

  assert.equal(tavern.tap().all('LLM_REQUEST').length, 1);
  assert.equal(heard.message.fromClient, true);
});

scene('a room that is deleted under the eyes of who reads it says so', async (house) => {
  const { roomName, guest, desk } = await roomWith(house);
  await openRoom(desk, roomName);
  await desk.button('room.enter').click();
  // Whoever has come in can write at once.
  await desk.page.locator('textarea:focus').waitFor();
  await guest.ask('/rooms', 'DELETE_ROOM', roomName);
  await desk.says('room.missing');
});
