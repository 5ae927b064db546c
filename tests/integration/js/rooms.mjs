// Rooms: made, found, entered and left; who is in them, as what, and who says so.

import { ended, fakeExtension, play, requestOf } from './tavern.mjs';
import {
  guestOf,
  guestsOf,
  inRooms,
  monitorOf,
  must,
  mustIn,
  roomOf,
  settle,
  toldInRooms,
} from './people.mjs';

const identities = ({ clients }) => clients.map(({ identity }) => identity);

const membersOf = (peer, roomName) => inRooms(peer, 'GET_CLIENTS_IN_ROOM', { roomName });

/** What rooms may be called, and what not. */
async function naming({ url, clientId, other, room }) {
  const guest = await guestOf(url, clientId);
  const create = (data) => inRooms(guest, 'CREATE_ROOM', data);
  const refused = {};
  const made = {
    bare: await create(room),
    odd: await create({ roomName: `${room} ü 部屋 🍺` }),
    longest: await create({ roomName: room.padEnd(128, '-') }),
    alias: await create({ roomName: `${room}-host`, mode: 'HostSubmit' }),
  };
  const names = ['server', 'all', 'auto', 'monitor-room', other, clientId, room];
  for (const roomName of names) refused[roomName] = (await create({ roomName })).code;
  const malformed = {
    long: await create({ roomName: 'x'.repeat(129) }),
    control: await create({ roomName: 'a\nb' }),
    empty: await create({ roomName: '' }),
    nothing: await create(),
    number: await create({ roomName: 7 }),
    mode: await create({ roomName: `${room}-2`, mode: 'Chaos' }),
  };
  const { details } = await inRooms(guest, 'GET_ROOMS');
  const deleted = await inRooms(guest, 'DELETE_ROOM', room);
  return { made, refused, malformed, details, deleted, again: await create(room) };
}

/** Rooms of all kinds, as their master, a stranger and a monitor are told of them. */
async function visible({ url, clientIds, room }) {
  const [master, stranger] = await guestsOf(url, clientIds);
  const monitor = await monitorOf(url);
  await roomOf(master, `${room}-closed`);
  await roomOf(master, `${room}-open`, {}, { open: true, keep: true });
  await roomOf(master, `${room}-locked`, {}, { password: 'swordfish' });
  await must(master, 'SET_ROOM_MESSAGE_REQUEST_MODE', {
    roomName: `${room}-open`,
    mode: 'Immediate',
  });
  const list = async (peer) => {
    const { rooms, details } = await must(peer, 'GET_ROOMS');
    const ours = ({ roomName }) => roomName.startsWith(room);
    return {
      rooms: rooms.filter((name) => name.startsWith(room)).sort(),
      details: details.filter(ours),
    };
  };
  const lists = {
    master: await list(master),
    stranger: await list(stranger),
    monitor: await list(monitor),
  };
  const looks = [];
  for (const kind of ['closed', 'open', 'locked']) {
    looks.push(await membersOf(stranger, `${room}-${kind}`));
  }
  return { lists, looks, nowhere: await membersOf(stranger, `${room}-nowhere`) };
}

/** Coming in by oneself, and leaving; what the members hear of it. */
async function joining({ url, clientIds, room }) {
  const [master, guest] = await guestsOf(url, clientIds);
  await roomOf(master, room, {}, { open: true });
  await roomOf(master, `${room}-closed`);
  await roomOf(master, `${room}-locked`, {}, { password: 'swordfish' });
  const join = (roomName, password) =>
    inRooms(guest, 'JOIN_ROOM', { roomName, password });
  const result = {
    bare: await inRooms(guest, 'JOIN_ROOM', room),
    twice: await join(room),
    closed: await join(`${room}-closed`),
    passwordForClosed: await join(`${room}-closed`, 'swordfish'),
    missing: await join(`${room}-locked`),
    wrong: await join(`${room}-locked`, 'sword'),
    right: await join(`${room}-locked`, 'swordfish'),
    nowhere: await join(`${room}-nowhere`),
    members: identities(await membersOf(guest, room)),
    left: await inRooms(guest, 'LEAVE_ROOM', room),
    leftAgain: await inRooms(guest, 'LEAVE_ROOM', { roomName: room }),
    back: await join(room),
  };
  await settle(master, guest);
  const ofRoom = ({ roomName }) => roomName === room;
  const told = (peer, event) => peer.tap('/rooms').all(event, ofRoom);
  return {
    ...result,
    joined: told(master, 'MEMBER_JOINED'),
    gone: told(master, 'MEMBER_LEFT'),
    ownJoined: told(guest, 'MEMBER_JOINED'),
    ownLeft: told(guest, 'MEMBER_LEFT'),
  };
}

/** A client's own room: whom it admits, and that it stays. */
async function ownRoom({ url, clientIds }) {
  const [owner, friend, stranger] = await guestsOf(url, clientIds);
  const monitor = await monitorOf(url);
  const [ownerId, friendId, strangerId] = clientIds;
  const roomName = ownerId;
  const add = (peer, identity) =>
    inRooms(peer, 'ADD_CLIENT_TO_ROOM', { roomName, identity });
  const role = (targetIdentity, name) =>
    inRooms(owner, 'SET_MEMBER_ROLE', { roomName, targetIdentity, role: name });
  return {
    left: await inRooms(owner, 'LEAVE_ROOM', { roomName }),
    removed: await inRooms(owner, 'REMOVE_CLIENT_FROM_ROOM', {
      roomName,
      clientId: ownerId,
    }),
    deleted: await inRooms(owner, 'DELETE_ROOM', { roomName }),
    deletedByMonitor: await inRooms(monitor, 'DELETE_ROOM', { roomName }),
    joined: await inRooms(friend, 'JOIN_ROOM', { roomName }),
    addedByOneself: await add(friend, friendId),
    added: await add(owner, friendId),
    manager: await role(friendId, 'manager'),
    master: await role(friendId, 'master'),
    addedByManager: await add(friend, strangerId),
    kickedByManager: await inRooms(friend, 'KICK_MEMBER', {
      roomName,
      targetIdentity: ownerId,
    }),
    addedByMonitor: await add(monitor, strangerId),
    mutedByMonitor: await inRooms(monitor, 'MUTE_MEMBER', {
      roomName,
      targetIdentity: ownerId,
    }),
    strangerLeft: await inRooms(stranger, 'LEAVE_ROOM', { roomName }),
    members: identities(await membersOf(owner, roomName)),
  };
}

/** Adding people in roles, the roles' limits, and what is told of it. */
async function roles({ url, clientIds, room }) {
  const [master, manager, special, guest] = await guestsOf(url, clientIds);
  const [masterId, managerId, specialId, guestId] = clientIds;
  await roomOf(master, room, {
    [managerId]: 'manager',
    [specialId]: 'special',
    [guestId]: 'guest',
  });
  const on = (peer, event, targetIdentity, more = {}) =>
    inRooms(peer, event, { roomName: room, targetIdentity, ...more });
  const result = {
    members: (await membersOf(guest, room)).clients,
    byGuest: [
      await on(guest, 'KICK_MEMBER', specialId),
      await on(guest, 'MUTE_MEMBER', specialId),
      await on(guest, 'REMOVE_CLIENT_FROM_ROOM', specialId),
      await on(guest, 'SET_MEMBER_ROLE', guestId, { role: 'master' }),
      await inRooms(guest, 'SET_ROOM_MESSAGE_REQUEST_MODE', {
        roomName: room,
        mode: 'Immediate',
      }),
      await inRooms(guest, 'DELETE_ROOM', { roomName: room }),
      await inRooms(special, 'CLEAR_MESSAGES', { roomName: room }),
    ],
    byManager: [
      await on(manager, 'KICK_MEMBER', masterId),
      await on(manager, 'MUTE_MEMBER', masterId),
      await on(manager, 'SET_MEMBER_ROLE', guestId, { role: 'special' }),
      await inRooms(manager, 'DELETE_ROOM', { roomName: room }),
    ],
    second: await on(master, 'SET_MEMBER_ROLE', specialId, { role: 'manager' }),
    managerOnManager: await on(manager, 'KICK_MEMBER', specialId),
    noMaster: await on(master, 'SET_MEMBER_ROLE', masterId, { role: 'guest' }),
    noRole: await on(master, 'SET_MEMBER_ROLE', guestId, { role: 'king' }),
    nobody: await on(master, 'SET_MEMBER_ROLE', 'nobody-here', { role: 'guest' }),
    noTarget: await inRooms(master, 'KICK_MEMBER', { roomName: room }),
    byClientId: await inRooms(master, 'SET_MEMBER_ROLE', {
      roomName: room,
      targetClientId: guestId,
      role: 'special',
    }),
  };
  await settle(guest);
  return { ...result, changed: guest.tap('/rooms').all('MEMBER_ROLE_CHANGED') };
}

/** Put out in three ways, and what that means for coming back. */
async function puttingOut({ url, clientIds, room }) {
  const [master, kicked, removed, watcher] = await guestsOf(url, clientIds);
  const [, kickedId, removedId, watcherId] = clientIds;
  const guests = { [kickedId]: 'guest', [removedId]: 'guest', [watcherId]: 'guest' };
  await roomOf(master, room, guests, { open: true });
  const join = (peer) => inRooms(peer, 'JOIN_ROOM', { roomName: room });
  const acks = {
    kick: await inRooms(master, 'KICK_MEMBER', {
      roomName: room,
      targetIdentity: kickedId,
    }),
    remove: await inRooms(master, 'REMOVE_CLIENT_FROM_ROOM', {
      roomName: room,
      identity: removedId,
    }),
    absent: await inRooms(master, 'KICK_MEMBER', {
      roomName: room,
      targetClientId: removedId,
    }),
  };
  const said = await kicked.ask('/llm', 'message', { data: 'hi', targetRoom: room });
  const order = await kicked.order({ requestId: 'r1', targetRoom: room });
  const back = { kicked: await join(kicked), removed: await join(removed) };
  const addedAgain = await inRooms(master, 'ADD_CLIENT_TO_ROOM', {
    roomName: room,
    clientId: kickedId,
  });
  await inRooms(kicked, 'LEAVE_ROOM', { roomName: room });
  const forgiven = await join(kicked);
  const unknown = await inRooms(master, 'ADD_CLIENT_TO_ROOM', {
    roomName: room,
    identity: 'nobody-at-all',
  });
  const twice = await inRooms(master, 'ADD_CLIENT_TO_ROOM', {
    roomName: room,
    identity: watcherId,
  });
  await settle(kicked, watcher);
  return {
    acks,
    said,
    order,
    back,
    addedAgain,
    forgiven,
    unknown,
    twice,
    left: watcher.tap('/rooms').all('MEMBER_LEFT'),
    warnings: kicked.tap('/rooms').all('WARNING'),
    othersWarnings: watcher.tap('/rooms').all('WARNING'),
    heardByKicked: kicked.tap('/rooms').all('MEMBER_LEFT'),
  };
}

/** Muted for good, then for a moment; what the muted may not do meanwhile. */
async function muting({ url, clientIds, room }) {
  const [master, guest, watcher] = await guestsOf(url, clientIds);
  const [, guestId, watcherId] = clientIds;
  await roomOf(master, room, { [guestId]: 'guest', [watcherId]: 'guest' });
  const target = { roomName: room, targetIdentity: guestId };
  const mutedUntil = async () =>
    (await membersOf(master, room)).clients.find(({ identity }) => identity === guestId)
      .mutedUntil;
  const ack = await inRooms(master, 'MUTE_MEMBER', target);
  const silenced = [
    await guest.order({ requestId: 'r1', targetRoom: room }),
    await guest.ask('/llm', 'message', { data: 'hi', targetRoom: room }),
    await guest.ask('/llm', 'START_TYPING', { targetRoom: room }),
    await guest.ask('/llm', 'wave', { targetRoom: room }),
  ];
  const shown = [(await mutedUntil()) === null];
  await must(master, 'UNMUTE_MEMBER', target);
  shown.push((await mutedUntil()) === undefined);
  const speaks = await guest.ask('/llm', 'message', { data: 'hi', targetRoom: room });
  const again = await inRooms(master, 'MUTE_MEMBER', { ...target, duration: 0.3 });
  shown.push(await mutedUntil());
  await watcher.tap('/rooms').first('MEMBER_UNMUTED', {}, 2);
  shown.push((await mutedUntil()) === undefined);
  await settle(guest, watcher);
  const events = ['MEMBER_MUTED', 'MEMBER_UNMUTED', 'WARNING'];
  return {
    ack,
    again,
    silenced,
    speaks,
    shown,
    watcher: toldInRooms(watcher, ...events),
    guest: toldInRooms(guest, ...events),
  };
}

/** A member in all its fields, here and away. */
async function fields({ url, clientIds, room, extension }) {
  const [masterId, guestId] = clientIds;
  const master = await guestOf(url, masterId);
  const guest = await guestOf(url, guestId, {
    identity: `${guestId}-tab`,
    clientType: 'discord-bot',
    desc: 'drinks ale',
    name: 'Ann',
    avatar: '/ann.png',
  });
  await fakeExtension(url, { clientId: extension });
  await roomOf(
    master,
    room,
    { [`${guestId}-tab`]: 'special', [extension]: 'guest' },
    { keep: true },
  );
  await mustIn('/llm', guest, 'START_TYPING', { targetRoom: room });
  const here = (await membersOf(master, room)).clients;
  await guest.leave();
  return { here, away: (await membersOf(master, room)).clients };
}

/** A SillyTavern that looks after rooms. */
async function tended({ url, clientIds, extension, room }) {
  const [master, guest] = await guestsOf(url, clientIds);
  const [masterId, guestId] = clientIds;
  const tavern = await fakeExtension(url, { clientId: extension });
  await tavern.join('/rooms');
  const add = (roomName) =>
    inRooms(tavern, 'ADD_CLIENT_TO_ROOM', { roomName, identity: guestId });
  const remove = (roomName) =>
    inRooms(tavern, 'REMOVE_CLIENT_FROM_ROOM', { roomName, identity: guestId });
  await roomOf(master, room);
  return {
    create: await inRooms(tavern, 'CREATE_ROOM', { roomName: `${room}-own` }),
    add: await add(room),
    remove: await remove(room),
    addToOwn: await add(masterId),
    deleteOwn: await inRooms(tavern, 'DELETE_ROOM', { roomName: masterId }),
    mode: await inRooms(tavern, 'SET_ROOM_MESSAGE_REQUEST_MODE', {
      roomName: room,
      mode: 'Immediate',
    }),
    delete: await inRooms(tavern, 'DELETE_ROOM', { roomName: room }),
    joined: guest.tap('/rooms').all('MEMBER_JOINED', { roomName: room }),
  };
}

/** As many rooms, and as many members, as the settings let be. */
async function limits({ url, clientIds }) {
  const [master, ...guests] = await guestsOf(url, clientIds);
  const monitor = await monitorOf(url);
  const create = (peer, roomName) =>
    inRooms(peer, 'CREATE_ROOM', { roomName, open: true });
  const made = [
    await create(master, 'one'),
    await create(master, 'two'),
    await create(master, 'three'),
  ];
  await must(master, 'DELETE_ROOM', { roomName: 'two' });
  made.push(await create(master, 'three'));
  const joined = [];
  for (const guest of guests) joined.push(await inRooms(guest, 'JOIN_ROOM', 'one'));
  const monitors = [];
  for (const name of ['four', 'five', 'six'])
    monitors.push(await create(monitor, name));
  return { made, joined, monitors };
}

/** Where only monitors make rooms. */
async function monitorsOnly({ url, clientId, extension }) {
  const guest = await guestOf(url, clientId);
  const monitor = await monitorOf(url);
  const tavern = await fakeExtension(url, { clientId: extension });
  await tavern.join('/rooms');
  return {
    guest: await inRooms(guest, 'CREATE_ROOM', 'lobby'),
    monitor: await inRooms(monitor, 'CREATE_ROOM', 'lobby'),
    tavern: await inRooms(tavern, 'CREATE_ROOM', 'kitchen'),
    add: await inRooms(monitor, 'ADD_CLIENT_TO_ROOM', {
      roomName: 'lobby',
      identity: clientId,
      role: 'manager',
    }),
  };
}

/** What a monitor may in a room that is not its own. */
async function monitored({ url, clientIds, room }) {
  const [master, guest] = await guestsOf(url, clientIds);
  const [masterId, guestId] = clientIds;
  const monitor = await monitorOf(url);
  await roomOf(master, room, { [guestId]: 'guest' }, { password: 'swordfish' });
  const on = (event, targetIdentity, more = {}) =>
    inRooms(monitor, event, { roomName: room, targetIdentity, ...more });
  return {
    look: identities(await membersOf(monitor, room)),
    acks: [
      await on('SET_MEMBER_ROLE', guestId, { role: 'master' }),
      await on('MUTE_MEMBER', masterId),
      await on('UNMUTE_MEMBER', masterId),
      await inRooms(monitor, 'SET_ROOM_MESSAGE_REQUEST_MODE', {
        roomName: room,
        mode: 'MasterOnly',
      }),
      await on('KICK_MEMBER', masterId),
      await inRooms(monitor, 'JOIN_ROOM', { roomName: room }),
      await inRooms(monitor, 'LEAVE_ROOM', { roomName: room }),
      await inRooms(monitor, 'DELETE_ROOM', { roomName: room }),
    ],
    deleted: await guest.tap('/rooms').first('DELETE_ROOM'),
  };
}

/** What is known of a room's members by those who come into it again. */
async function outcasts({ url, clientIds, room, stay = false }) {
  const [master, kicked, muted] = await guestsOf(url, clientIds);
  const [, kickedId, mutedId] = clientIds;
  const settings = { open: true, keep: true };
  const guests = { [kickedId]: 'guest', [mutedId]: 'special' };
  await roomOf(master, room, guests, settings);
  await must(master, 'KICK_MEMBER', { roomName: room, targetIdentity: kickedId });
  await must(master, 'MUTE_MEMBER', {
    roomName: room,
    targetIdentity: mutedId,
    duration: 3600,
  });
  if (stay) return null;
  await kicked.leave();
  await muted.leave();
  return found({ url, clientIds, room });
}

/** The same room, as those who were put out of it or muted find it. */
async function found({ url, clientIds, room }) {
  const [master, kicked, muted] = await guestsOf(url, clientIds);
  const said = await muted.ask('/llm', 'message', { data: 'hi', targetRoom: room });
  const rejoined = await inRooms(kicked, 'JOIN_ROOM', { roomName: room });
  await must(muted, 'LEAVE_ROOM', { roomName: room });
  await must(muted, 'JOIN_ROOM', { roomName: room });
  return {
    said,
    rejoined,
    stillMuted: await muted.ask('/llm', 'message', { data: 'hi', targetRoom: room }),
    members: (await membersOf(master, room)).clients,
    details: (await must(master, 'GET_ROOMS')).details,
  };
}

/** Masters leave one after the other; the last one takes the room along. */
async function succession({ url, clientIds, room }) {
  const [first, second, third, fourth] = await guestsOf(url, clientIds);
  const [, secondId, thirdId, fourthId] = clientIds;
  await roomOf(first, room, {
    [secondId]: 'guest',
    [thirdId]: 'manager',
    [fourthId]: 'special',
  });
  const leave = (peer) => must(peer, 'LEAVE_ROOM', { roomName: room });
  const masters = [];
  for (const [peer, heir] of [
    [first, thirdId],
    [third, secondId],
  ]) {
    await leave(peer);
    const { identity } = await fourth
      .tap('/rooms')
      .first('MEMBER_ROLE_CHANGED', { identity: heir, role: 'master' });
    masters.push(identity);
  }
  await second.leave();
  const changed = await fourth
    .tap('/rooms')
    .first('MEMBER_ROLE_CHANGED', { identity: fourthId });
  const reasons = fourth.tap('/rooms').all('MEMBER_LEFT');
  await leave(fourth);
  const gone = await membersOf(fourth, room);
  return { masters, changed, reasons, gone };
}

/** The room is deleted under its members. */
async function deleting({ url, clientIds, room }) {
  const [master, manager] = await guestsOf(url, clientIds);
  await roomOf(master, room, { [clientIds[1]]: 'manager' });
  const order = await manager.order({ requestId: 'r1', targetRoom: room });
  const byManager = await inRooms(manager, 'DELETE_ROOM', { roomName: room });
  const byMaster = await inRooms(master, 'DELETE_ROOM', { roomName: room });
  const told = await manager.tap('/rooms').first('DELETE_ROOM');
  const after = {
    said: await manager.ask('/llm', 'message', { data: 'hi', targetRoom: room }),
    order: await manager.order({ requestId: 'r2', targetRoom: room }),
    again: await inRooms(master, 'DELETE_ROOM', { roomName: room }),
    mine: (await must(manager, 'GET_ROOMS')).rooms.includes(room),
  };
  return { order, byManager, byMaster, told, after };
}

/** What members are doing, as the others hear of it in `/llm`. */
async function doing({ url, clientIds, room, extension }) {
  const [master, guest, stranger] = await guestsOf(url, clientIds);
  await roomOf(master, room, { [clientIds[1]]: 'guest' });
  const tavern = await fakeExtension(url, { clientId: extension });
  await mustIn('/llm', guest, 'START_TYPING', { targetRoom: room });
  await mustIn('/llm', guest, 'START_TYPING', { targetRoom: room });
  await mustIn('/llm', guest, 'STOP_TYPING', room);
  await master.order({ requestId: 'r1', target: extension, targetRoom: room });
  const { requestId } = await requestOf(tavern);
  await mustIn('/llm', tavern, 'START_PROCESSING', { requestId });
  await master
    .tap()
    .first('MEMBER_STATUS_UPDATE', { identity: extension, status: 'processing' });
  tavern.llm.emit('STOP_PROCESSING', { requestId });
  await master
    .tap()
    .first('MEMBER_STATUS_UPDATE', { identity: extension, status: 'idle' });
  const { terminal } = await ended(master, 'r1', 0);
  return {
    terminal,
    heard: master.tap().all('MEMBER_STATUS_UPDATE'),
    stranger: await stranger.ask('/llm', 'START_TYPING', { targetRoom: room }),
    nowhere: await tavern.ask('/llm', 'START_PROCESSING', {}),
    inRooms: await guest.ask('/rooms', 'START_TYPING', { targetRoom: room }),
    overheard: stranger.tap().all('MEMBER_STATUS_UPDATE'),
  };
}

/** Who says goodbye leaves rooms, and only rests in those that are kept. */
async function absence({ url, clientIds, room }) {
  const [master, guest] = await guestsOf(url, clientIds);
  const [, guestId] = clientIds;
  await roomOf(master, `${room}-kept`, { [guestId]: 'special' }, { keep: true });
  await roomOf(master, room, { [guestId]: 'special' });
  await guest.leave();
  const left = await master.tap('/rooms').first('MEMBER_LEFT');
  const members = {
    kept: (await membersOf(master, `${room}-kept`)).clients,
    lost: identities(await membersOf(master, room)),
  };
  const back = await guestOf(url, guestId);
  return {
    left,
    members,
    rooms: (await must(back, 'GET_ROOMS')).rooms,
    joined: master.tap('/rooms').all('MEMBER_JOINED', { roomName: `${room}-kept` }),
  };
}

/** A short absence is none: nobody hears of it. */
async function shortAbsence({ url, clientIds, room }) {
  const [master, guest] = await guestsOf(url, clientIds);
  await roomOf(master, room, { [clientIds[1]]: 'manager' });
  const before = master.tap('/rooms').events.length;
  await guest.cut();
  await guest.restore();
  await must(guest, 'SET_ROOM_MESSAGE_REQUEST_MODE', {
    roomName: room,
    mode: 'Immediate',
  });
  await master.tap('/rooms').first('ROOM_MODE_CHANGED');
  const since = master.tap('/rooms').events.slice(before);
  return { heard: since.map(({ event }) => event) };
}

play({
  naming,
  visible,
  joining,
  ownRoom,
  roles,
  puttingOut,
  muting,
  fields,
  tended,
  limits,
  monitorsOnly,
  monitored,
  outcasts,
  found,
  succession,
  deleting,
  doing,
  absence,
  shortAbsence,
});
