// What was said: read again, changed, deleted, and found after an absence.

import { Answer, ended, fakeExtension, play, requestOf, tell } from './tavern.mjs';
import { guestOf, guestsOf, monitorOf, must, mustIn, roomOf, settle } from './people.mjs';

/** Say something in a room; the id of the message. */
async function say(peer, targetRoom, data, more = {}) {
  const ack = await mustIn('/llm', peer, 'message', { data, targetRoom, ...more });
  return ack.messageId;
}

/** Have an extension answer somebody in a room; the message of the answer. */
async function answered(peer, tavern, roomName, ...texts) {
  const count = tavern.tap().all('LLM_REQUEST').length + 1;
  const requestId = `r${count}`;
  const target = tavern.auth.clientId;
  await peer.order({ requestId, targetRoom: roomName, target, message: 'Well?' });
  tell(...texts)(new Answer(tavern, await requestOf(tavern, count)));
  await ended(peer, requestId);
  const isAnswer = ({ message }) => message.fromLlm && message.requestId === requestId;
  return (await peer.tap().first('NEW_MESSAGE', isAnswer)).message;
}

/** All of a room's history in one piece. */
async function wholeOf(peer, roomName, namespace = '/llm') {
  const seen = peer.tap(namespace).all('UPDATE_CONTEXT').length;
  await mustIn(namespace, peer, 'GET_FULL_CONTEXT', { roomName, whole: true });
  return (await peer.tap(namespace).first('UPDATE_CONTEXT', {}, seen + 1)).context;
}

const textsOf = (messages) => messages.map(({ message, data }) => message ?? data);

/** Ask for a history in pages; the ack, and the pages once the last is there. */
async function pagesOf(peer, event, query) {
  const ack = await peer.ask('/llm', event, query);
  if (ack.status !== 'ok') return { ack, pages: [] };
  const { updateId } = ack;
  await peer.tap().first('UPDATE_CONTEXT_PAGE', { updateId, isLastPage: true });
  return { ack, pages: peer.tap().all('UPDATE_CONTEXT_PAGE', { updateId }) };
}

/** One's own messages, those of others, and what can not be edited. */
async function editing({ url, clientIds, room, extension }) {
  const [master, guest, stranger] = await guestsOf(url, clientIds);
  await roomOf(master, room, { [clientIds[1]]: 'guest' });
  const tavern = await fakeExtension(url, { clientId: extension });
  const own = await say(guest, room, 'ale');
  const others = await say(master, room, 'wine');
  const answer = (await answered(master, tavern, room, 'Here.')).messageId;
  const edit = (peer, messageId, more, namespace = '/llm') =>
    peer.ask(namespace, 'EDIT_MESSAGE', { roomName: room, messageId, ...more });
  const done = {
    text: await edit(guest, own, { updatedMessage: 'an ale' }),
    object: await edit(guest, own, { updatedMessage: { mood: 'merry' } }),
    fields: await edit(guest, own, { updatedFields: { data: 'two ales' } }, '/rooms'),
    byMaster: await edit(master, own, { updatedMessage: 'three ales' }),
    answer: await edit(master, answer, { updatedMessage: 'There.', fromLlm: true }),
  };
  const refused = {
    others: await edit(guest, others, { updatedMessage: 'water' }),
    answer: await edit(guest, answer, { updatedMessage: 'nothing' }),
    notFromLlm: await edit(master, own, { updatedMessage: 'x', fromLlm: true }),
    unknown: await edit(master, 'no-such-message', { updatedMessage: 'x' }),
    nothing: await edit(guest, own, {}),
    stranger: await edit(stranger, own, { updatedMessage: 'x' }),
    long: await edit(guest, own, { updatedMessage: 'x'.repeat(256 * 1024 + 1) }),
  };
  const fixed = [];
  for (const field of ['messageId', 'timestamp', 'identity', 'fromLlm', 'role']) {
    fixed.push(await edit(master, own, { updatedFields: { [field]: 'mine' } }));
  }
  await settle(guest, stranger);
  const updates = guest.tap().all('MESSAGE_UPDATED');
  return {
    ids: { own, others, answer },
    done,
    refused,
    fixed,
    updates,
    overheard: stranger.tap().all('MESSAGE_UPDATED').length,
    history: textsOf(await wholeOf(master, room)),
  };
}

/** Deleting one, several, one's own and others', requests and answers. */
async function deleting({ url, clientIds, room, extension }) {
  const [master, guest] = await guestsOf(url, clientIds);
  await roomOf(master, room, { [clientIds[1]]: 'guest' });
  const tavern = await fakeExtension(url, { clientId: extension });
  const ids = [];
  for (const text of ['one', 'two', 'three', 'four']) {
    ids.push(await say(text === 'two' ? master : guest, room, text));
  }
  const answer = (await answered(master, tavern, room, 'five')).messageId;
  const drop = (peer, more, namespace = '/llm') =>
    peer.ask(namespace, 'DELETE_MESSAGE', { roomName: room, ...more });
  const acks = {
    own: await drop(guest, { messageId: ids[0] }),
    others: await drop(guest, { messageId: ids[1] }),
    mixed: await drop(guest, { messageIds: [ids[1], ids[2]] }),
    byMaster: await drop(master, { messageIds: [ids[1], ids[2], 'no-such'] }, '/rooms'),
    again: await drop(master, { messageId: ids[1] }),
    answersOnly: await drop(master, { messageIds: [answer, ids[3]], fromLlm: true }),
    none: await drop(master, {}),
    tooMany: await drop(master, { messageIds: Array(1001).fill('x') }),
  };
  await settle(guest);
  return {
    ids,
    answer,
    acks,
    told: guest.tap().all('MESSAGES_DELETED').map(({ messageIds }) => messageIds),
    history: textsOf(await wholeOf(master, room)),
  };
}

/** Clearing answers, requests, and everything. */
async function clearing({ url, clientIds, room, extension }) {
  const [master, manager, guest] = await guestsOf(url, clientIds);
  const [, managerId, guestId] = clientIds;
  await roomOf(master, room, { [managerId]: 'manager', [guestId]: 'guest' });
  const tavern = await fakeExtension(url, { clientId: extension });
  const left = [];
  const clear = async (peer, more, namespace = '/llm') => {
    await say(guest, room, 'ale');
    await answered(master, tavern, room, 'Here.');
    const ack = await peer.ask(namespace, 'CLEAR_MESSAGES', more);
    left.push((await wholeOf(master, room)).map((message) => textOrSystem(message)));
    return ack;
  };
  const acks = [
    await clear(guest, { roomName: room }),
    await clear(manager, { roomName: room, fromLlm: true }),
    await clear(manager, { roomName: room, clearRequests: true }, '/rooms'),
    await clear(manager, { roomName: room, clearRequests: false, clearResponses: false }),
    await clear(master, room),
  ];
  const { context } = await afterwards(master, tavern, room);
  await settle(guest);
  return { acks, left, told: guest.tap().all('MESSAGES_CLEARED'), context };
}

const textOrSystem = ({ isSystem, message, data }) =>
  isSystem ? 'system' : (message ?? data);

/** What an extension is told of a talk that was cleared. */
async function afterwards(peer, tavern, roomName) {
  await answered(peer, tavern, roomName, 'What?');
  return tavern.tap().all('LLM_REQUEST').at(-1);
}

/** A history in pages of three, in one piece, and from a message on. */
async function pages({ url, clientIds, room }) {
  const [master, guest, stranger] = await guestsOf(url, clientIds);
  await roomOf(master, room, { [clientIds[1]]: 'guest' });
  const ids = [];
  for (let number = 1; number <= 7; number += 1) {
    ids.push(await say(master, room, `${number}`));
  }
  const full = await pagesOf(guest, 'GET_FULL_CONTEXT', { roomName: room });
  const since = await pagesOf(guest, 'GET_FULL_CONTEXT', {
    roomName: room,
    since: ids[3],
  });
  const nothing = await pagesOf(guest, 'GET_FULL_CONTEXT', {
    roomName: room,
    since: ids[6],
  });
  const bare = await pagesOf(guest, 'GET_FULL_CONTEXT', room);
  const query = { roomName: room };
  const many = await Promise.all(
    Array.from({ length: 5 }, () => guest.ask('/llm', 'GET_FULL_CONTEXT', query)),
  );
  return {
    ids,
    full,
    since,
    nothing,
    bare: bare.ack,
    whole: await wholeOf(guest, room, '/rooms'),
    complete: guest.tap('/rooms').all('UPDATE_CONTEXT').at(-1).complete,
    many: many.map(({ code }) => code ?? null),
    stranger: await stranger.ask('/llm', 'GET_FULL_CONTEXT', { roomName: room }),
    nowhere: await stranger.ask('/llm', 'GET_FULL_CONTEXT', { roomName: `${room}-not` }),
    unknown: await guest.ask('/llm', 'GET_FULL_CONTEXT', {
      roomName: room,
      since: 'no-such-message',
    }),
  };
}

/** Messages that are large: a page each, and the newest of them in one piece. */
async function large({ url, clientIds, room }) {
  const [master] = await guestsOf(url, clientIds);
  await roomOf(master, room);
  for (const letter of 'abcde') await say(master, room, letter.repeat(250_000));
  const { ack, pages: sent } = await pagesOf(master, 'GET_FULL_CONTEXT', {
    roomName: room,
  });
  const first = (messages) =>
    messages.filter(({ data }) => data).map(({ data }) => data[0]);
  const whole = first(await wholeOf(master, room));
  const messageId = await say(master, room, 'f');
  const grow = (field) =>
    master.ask('/llm', 'EDIT_MESSAGE', {
      roomName: room,
      messageId,
      updatedFields: { [field]: 'x'.repeat(700_000) },
    });
  return {
    ack,
    grown: [await grow('one'), await grow('two'), await grow('one')],
    pages: sent.map(({ contextPage }) => first(contextPage)),
    numbers: sent.map(({ pageNumber, totalPages }) => [pageNumber, totalPages]),
    whole,
    complete: master.tap().all('UPDATE_CONTEXT').at(-1).complete,
    tooLong: await master.ask('/llm', 'message', {
      data: 'x'.repeat(256 * 1024 + 1),
      targetRoom: room,
    }),
  };
}

/** What one missed: since one was here, since a message, and when it is much. */
async function missed({ url, clientIds, room }) {
  const [master, guest] = await guestsOf(url, clientIds);
  const [, guestId] = clientIds;
  await roomOf(master, room, { [guestId]: 'guest' }, { keep: true });
  const heardOf = await say(master, room, 'heard');
  await guest.leave();
  for (const text of ['one', 'two']) await say(master, room, text);
  const back = await guestOf(url, guestId);
  const ask = (more) =>
    pagesOf(back, 'GET_OFFLINE_MESSAGES', { roomName: room, ...more });
  const few = await ask({});
  const fromHeard = await ask({ since: heardOf });
  await mustIn('/llm', back, 'GET_OFFLINE_MESSAGES', { roomName: room, whole: true });
  const { context } = await back.tap().first('UPDATE_CONTEXT');
  for (const text of ['three', 'four']) await say(master, room, text);
  const before = back.tap().all('OFFLINE_MESSAGES').length;
  const many = await ask({});
  const strangers = await back.ask('/llm', 'GET_OFFLINE_MESSAGES', clientIds[0]);
  return {
    few: few.pages.map(({ contextPage }) => textsOf(contextPage)),
    fromHeard: fromHeard.pages.map(({ contextPage }) => textsOf(contextPage)),
    whole: textsOf(context),
    offline: back
      .tap()
      .all('OFFLINE_MESSAGES')
      .map(({ roomName, messages }) => [roomName, textsOf(messages)]),
    many: many.pages.map(({ contextPage }) => textsOf(contextPage)),
    ofMany: back.tap().all('OFFLINE_MESSAGES').length - before,
    strangers,
  };
}

/** Something said, ordered and answered; the history of it. */
async function story({ url, clientId, extension, room }) {
  const guest = await guestOf(url, clientId);
  const tavern = await fakeExtension(url, { clientId: extension });
  await roomOf(guest, room, {}, { keep: true });
  await say(guest, room, 'Listen.', { mood: 'grave' });
  await answered(guest, tavern, room, 'Once ', 'upon ', 'a time.');
  return { history: await wholeOf(guest, room) };
}

/** The same history, and the answer, when the broker has forgotten all it can. */
async function remembered({ url, clientId, room }) {
  const guest = await guestOf(url, clientId);
  const resume = () => guest.ask('/llm', 'RESUME_STREAM', { requestId: 'r1', from: 1 });
  let resumed = await resume();
  while (resumed.outputs?.[0]?.finalText === undefined) resumed = await resume();
  return {
    history: await wholeOf(guest, room),
    resumed,
    byRoom: await guest.ask('/llm', 'RESUME_STREAM', {
      requestId: 'r1',
      roomName: room,
      from: 0,
    }),
    unknown: await guest.ask('/llm', 'RESUME_STREAM', { requestId: 'r7', from: 0 }),
  };
}

/** More is said than is kept. */
async function overfull({ url, clientId, room }) {
  const guest = await guestOf(url, clientId);
  await must(guest, 'CREATE_ROOM', { roomName: room, keep: true });
  const ids = [];
  for (let number = 1; number <= 8; number += 1) {
    ids.push(await say(guest, room, `${number}`));
  }
  return {
    kept: textsOf(await wholeOf(guest, room)),
    dropped: await guest.ask('/llm', 'EDIT_MESSAGE', {
      roomName: room,
      messageId: ids[0],
      updatedMessage: 'x',
    }),
  };
}

/** A monitor reads and changes what it likes, without being a member. */
async function overseen({ url, clientIds, room }) {
  const [master] = await guestsOf(url, clientIds);
  const monitor = await monitorOf(url);
  await roomOf(master, room);
  const messageId = await say(master, room, 'a secret');
  const change = { roomName: room, messageId, updatedMessage: '…' };
  return {
    edited: await monitor.ask('/llm', 'EDIT_MESSAGE', change),
    history: textsOf(await wholeOf(monitor, room)),
    deleted: await monitor.ask('/llm', 'DELETE_MESSAGE', { roomName: room, messageId }),
    cleared: await monitor.ask('/llm', 'CLEAR_MESSAGES', { roomName: room }),
  };
}

play({
  editing,
  deleting,
  clearing,
  pages,
  large,
  missed,
  story,
  remembered,
  overfull,
  overseen,
});
