// Message request modes: what becomes of an order, and who reads what comes of it.

import {
  Answer,
  ended,
  fakeExtension,
  heard,
  overheard,
  play,
  requestOf,
  tell,
} from './tavern.mjs';
import {
  guestOf,
  guestsOf,
  inRooms,
  monitorOf,
  must,
  mustIn,
  roomOf,
} from './people.mjs';

const setMode = (peer, roomName, mode) =>
  must(peer, 'SET_ROOM_MESSAGE_REQUEST_MODE', { roomName, mode });

const answer = (tavern, request, ...texts) => tell(...texts)(new Answer(tavern, request));

/** The end of a request that somebody reads, without a look at its streams. */
const endOf = (peer, requestId) => ended(peer, requestId, 0);

const newMessages = (peer, match = () => true) =>
  peer
    .tap()
    .all('NEW_MESSAGE')
    .map(({ message }) => message)
    .filter(match);

/** The message of an answer, once it is told. */
async function answerOf(peer) {
  const isAnswer = (data) => data.message.fromLlm;
  const { message } = await peer.tap().first('NEW_MESSAGE', isAnswer);
  return message;
}

/** A master, a manager, a special member and a guest; and who answers them. */
async function company({ url, clientIds, room, extension, identify, mode }) {
  const guests = await guestsOf(url, clientIds);
  const [, managerId, specialId, guestId] = clientIds;
  const members = { [managerId]: 'manager', [specialId]: 'special', [guestId]: 'guest' };
  await roomOf(guests[0], room, members, mode ? { mode } : {});
  const tavern = await fakeExtension(url, { clientId: extension, identify });
  return [...guests, tavern];
}

/** Default: guests are held until one who rules sends; all share the end. */
async function held({ room, extension, ...party }) {
  const [master, manager, special, guest, tavern] = await company({
    room,
    extension,
    ...party,
  });
  const order = (peer, requestId, message, more = {}) =>
    peer.order({ requestId, message, targetRoom: room, ...more });
  const acks = [
    await order(guest, 'g1', 'ale'),
    await order(special, 's1', 'wine'),
    await order(guest, 'g2', 'bread'),
  ];
  const nowhere = await order(manager, 'm0', 'nothing', { target: 'nobody' });
  const cancelled = await guest.ask('/llm', 'CANCEL_REQUEST', { requestId: 'g2' });
  const again = await order(guest, 'g3', 'cheese');
  const sent = await order(manager, 'm1', 'and the bill', { target: extension });
  const request = await requestOf(tavern);
  answer(tavern, request, 'Here ', 'you are.');
  const recorded = await answerOf(master);
  return {
    acks,
    nowhere,
    cancelled,
    again,
    sent,
    request,
    recorded,
    ends: {
      g1: await endOf(guest, 'g1'),
      g2: await endOf(guest, 'g2'),
      g3: await endOf(guest, 'g3'),
      s1: await endOf(special, 's1'),
      m1: await endOf(manager, 'm1'),
    },
    requests: tavern.tap().all('LLM_REQUEST').length,
    said: newMessages(master, ({ fromClient }) => fromClient),
  };
}

/** One order of each role; what the extension gets of them. */
async function everyRole({ room, extension, mode, named, ...party }) {
  const identify = { capacity: 8 };
  const all = await company({ room, extension, mode, identify, ...party });
  const tavern = all.pop();
  const target = named ? extension : undefined;
  const acks = [];
  for (const peer of all) {
    acks.push(
      await peer.order({
        requestId: 'r1',
        message: peer.auth.clientId,
        targetRoom: room,
        target,
      }),
    );
  }
  const sent = acks.filter(({ state }) => state === 'sent').length;
  if (sent > 0) await requestOf(tavern, sent);
  await tavern.barrier();
  const requests = tavern.tap().all('LLM_REQUEST');
  for (const request of requests) answer(tavern, request, 'Yes, ', request.message);
  const terminal = [];
  const recorded = acks.map(({ state }) => state !== 'held');
  for (const [index, peer] of all.entries()) {
    if (recorded[index]) terminal.push((await endOf(peer, 'r1')).terminal);
  }
  return { acks, requests, terminal };
}

/** The mode changes while one request streams and another is held. */
async function switched({ room, extension, ...party }) {
  const [master, manager, , guest, tavern] = await company({
    room,
    extension,
    ...party,
    identify: { capacity: 4 },
  });
  await master.order({ requestId: 'm1', targetRoom: room, target: extension });
  const running = new Answer(tavern, await requestOf(tavern)).start().write('Once ');
  await master.tap().first('streamed_data');
  await guest.order({ requestId: 'g1', message: 'ale', targetRoom: room });
  await guest.order({ requestId: 'g2', message: 'wine', targetRoom: room });
  const changed = await setMode(manager, room, 'MasterOnly');
  const told = await guest.tap('/rooms').first('ROOM_MODE_CHANGED');
  const merged = await requestOf(tavern, 2);
  const later = await guest.order({ requestId: 'g3', targetRoom: room });
  answer(tavern, merged, 'Ale and wine.');
  const ends = [await endOf(guest, 'g1'), await endOf(guest, 'g2')];
  running.write('upon a time.').end();
  return {
    changed,
    told,
    merged,
    later,
    ends,
    first: await ended(master, 'm1'),
    system: newMessages(guest, ({ isSystem }) => isSystem).map(({ message }) => message),
  };
}

/** Separate: the answer, the request and the context are the sender's alone. */
async function separate({ room, extension, ...party }) {
  const [master, manager, special, guest, tavern] = await company({
    room,
    extension,
    ...party,
    mode: 'Separate',
  });
  const monitor = await monitorOf(party.url);
  await must(monitor, 'JOIN_ROOM', { roomName: room });
  const requests = [];
  const round = async (peer, requestId, message) => {
    await peer.order({ requestId, message, targetRoom: room, target: extension });
    const request = await requestOf(tavern, requests.length + 1);
    requests.push(request);
    answer(tavern, request, `${message}, `, 'then.');
    return ended(peer, requestId);
  };
  const mine = await round(guest, 'r1', 'ale');
  await round(special, 'r2', 'wine');
  await round(guest, 'r3', 'bread');
  await setMode(master, room, 'Immediate');
  await round(manager, 'r4', 'water');
  const texts = async (peer) => {
    const whole = { roomName: room, whole: true };
    await mustIn('/llm', peer, 'GET_FULL_CONTEXT', whole);
    const { context } = await peer.tap().first('UPDATE_CONTEXT');
    return context
      .filter(({ isSystem }) => !isSystem)
      .map(({ message, data }) => message ?? data);
  };
  await overheard(master, 'r4');
  return {
    mine,
    master: master.tap().all('streamed_data').map(({ data }) => data),
    monitor: monitor.tap().all('streamed_data').map(({ data }) => data),
    contexts: requests.map(({ context }) => context.map((m) => m.message ?? m.data)),
    histories: {
      master: await texts(master),
      guest: await texts(guest),
      special: await texts(special),
      monitor: await texts(monitor),
    },
    told: newMessages(master, ({ isSystem }) => !isSystem).map((m) => m.identity),
    byMaster: await master.ask('/llm', 'RESUME_STREAM', {
      requestId: 'r1',
      roomName: room,
      from: 0,
    }),
  };
}

/** Conversational: what is said without a target calls for a thought. */
async function thinking({ room, extension, ...party }) {
  const [master, , , guest, tavern] = await company({
    room,
    extension,
    ...party,
    mode: 'Conversational',
  });
  const ack = await guest.order({
    requestId: 'g1',
    message: 'Nice weather.',
    targetRoom: room,
  });
  const end = await endOf(guest, 'g1');
  const thought = await requestOf(tavern);
  answer(tavern, thought, 'Is it?');
  const recorded = await answerOf(master);
  const [{ data: text }] = master.tap().all('streamed_data');
  await mustIn('/llm', master, 'message', { data: 'It is.', targetRoom: room });
  const second = await requestOf(tavern, 2);
  return { ack, end, thought, recorded, text, second };
}

/** What the extension is told: the request, and of the talk before it. */
async function received({ room, extension, ...party }) {
  const [master, , , guest, tavern] = await company({ room, extension, ...party });
  const say = (data) => mustIn('/llm', guest, 'message', { data, targetRoom: room });
  for (const data of ['one', 'two', 'three']) await say(data);
  const requests = [];
  const round = async (context) => {
    if (context !== undefined) {
      await mustIn('/sillytavern', tavern, 'CLIENT_SETTINGS', { context });
      await tavern.barrier();
    }
    const requestId = `r${requests.length}`;
    await master.order({
      requestId,
      message: 'four',
      targetRoom: room,
      target: extension,
      role: 'emperor',
      mood: 'merry',
      source: 'nobody',
    });
    const request = await requestOf(tavern, requests.length + 1);
    requests.push(request);
    answer(tavern, request, 'five');
    await ended(master, requestId);
  };
  await round();
  await round(2);
  await round(0);
  return requests;
}

/** Several readers of one answer: with chunks, without, and one who came late. */
async function readers({ room, extension, late, ...party }) {
  const [master, manager, , guest, tavern] = await company({ room, extension, ...party });
  const latecomer = await guestOf(party.url, late);
  await manager.order({
    requestId: 'r1',
    targetRoom: room,
    target: extension,
    isStreaming: false,
  });
  const story = new Answer(tavern, await requestOf(tavern));
  story.start().write('Once ', 'upon ');
  await guest.tap().first('streamed_data', {}, 2);
  await must(master, 'ADD_CLIENT_TO_ROOM', { roomName: room, identity: late });
  story.write('a ', 'time.').end();
  const requester = await endOf(manager, 'r1');
  const others = [];
  for (const peer of [master, guest, latecomer]) {
    others.push(await overheard(peer, 'r1'));
    await answerOf(peer);
  }
  await manager.order({ requestId: 'r2', targetRoom: room, target: extension });
  const { requestId } = await requestOf(tavern, 2);
  tavern.llm.emit('message', { type: 0, requestId, data: 'All at once.' });
  const whole = await ended(manager, 'r2', 0);
  await guest.tap().first('message', { requestId: 'r2' });
  await guest.barrier();
  const resumed = await latecomer.ask('/llm', 'RESUME_STREAM', {
    requestId: 'r1',
    roomName: room,
    from: 0,
  });
  const isAnswer = ({ fromLlm }) => fromLlm;
  return {
    requester,
    others,
    resumed,
    whole,
    guestWhole: heard(guest, 'r2').messages,
    answers: {
      requester: newMessages(manager, isAnswer),
      guest: newMessages(guest, isAnswer),
      latecomer: newMessages(latecomer, isAnswer),
    },
  };
}

/** The mode of rooms made from now on. */
async function newRooms({ url, clientId }) {
  const guest = await guestOf(url, clientId);
  const monitor = await monitorOf(url);
  await must(guest, 'CREATE_ROOM', 'before');
  const set = (peer, mode) => inRooms(peer, 'SET_MESSAGE_REQUEST_MODE', mode);
  const result = {
    byGuest: await set(guest, { mode: 'Immediate' }),
    unknown: await set(monitor, { mode: 'Chaos' }),
    none: await set(monitor),
    bare: await set(monitor, 'Separate'),
    set: await set(monitor, { mode: 'MasterOnly' }),
  };
  await must(guest, 'CREATE_ROOM', { roomName: 'after', keep: true });
  await must(guest, 'CREATE_ROOM', { roomName: 'named', mode: 'Immediate' });
  return { ...result, modes: await modesOf(guest) };
}

async function modesOf(peer) {
  const { details } = await must(peer, 'GET_ROOMS');
  return Object.fromEntries(details.map(({ roomName, mode }) => [roomName, mode]));
}

/** The modes of rooms there are, and of one made now. */
async function another({ url, clientId }) {
  const guest = await guestOf(url, clientId);
  await must(guest, 'CREATE_ROOM', 'another');
  return modesOf(guest);
}

/** A client's own room: whoever is added is held until the owner speaks. */
async function guestInOwnRoom({ url, clientIds, extension }) {
  const [owner, guest] = await guestsOf(url, clientIds);
  const [ownerId, guestId] = clientIds;
  const tavern = await fakeExtension(url, { clientId: extension });
  await must(owner, 'ADD_CLIENT_TO_ROOM', { roomName: ownerId, identity: guestId });
  const ack = await guest.order({ requestId: 'g1', message: 'ale', targetRoom: ownerId });
  await owner.order({ requestId: 'o1', message: 'two of them', target: extension });
  const request = await requestOf(tavern);
  answer(tavern, request, 'Cheers.');
  return {
    ack,
    request,
    guest: await ended(guest, 'g1', 0),
    owner: await ended(owner, 'o1'),
    read: heard(guest, 'o1').text,
  };
}

play({
  held,
  everyRole,
  switched,
  separate,
  thinking,
  received,
  readers,
  newRooms,
  another,
  guestInOwnRoom,
});
