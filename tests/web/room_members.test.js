// Who is in a room, and what is done to them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Room, listRooms } from '../../web/app/room.js';
import { RoomMembers, isMuted } from '../../web/app/room_members.js';
import { FakeLink, refusal, settled } from './fake_link.js';

const ROOM = 'lobby';

async function company() {
  const link = new FakeLink();
  link.acks.GET_CLIENTS_IN_ROOM = {
    clients: [{ identity: 'ann', role: 'master' }, { identity: 'bob', role: 'guest' }],
  };
  const members = new RoomMembers({ link, room: ROOM });
  members.open();
  await members.load();
  return { link, members, hear: (event, data) => link.hear('/rooms', event, { roomName: ROOM, ...data }) };
}

test('changes of members are heard as they are told', async () => {
  const { members, hear } = await company();
  hear('MEMBER_ROLE_CHANGED', { identity: 'bob', role: 'manager' });
  hear('MEMBER_MUTED', { identity: 'bob', mutedUntil: null });
  hear('MEMBER_LEFT', { identity: 'ann' });

  assert.deepEqual([...members.all.values()], [{ identity: 'bob', role: 'manager', mutedUntil: null }]);
  hear('MEMBER_UNMUTED', { identity: 'bob' });
  assert.equal(isMuted(members.all.get('bob')), false);
});

test('who comes in is looked up', async () => {
  const { link, members, hear } = await company();
  link.acks.GET_CLIENTS_IN_ROOM = { clients: [{ identity: 'eve', role: 'guest' }] };
  hear('MEMBER_JOINED', { identity: 'eve', role: 'guest' });
  await settled();

  assert.equal(members.has('eve'), true);
});

test('each act names the room and whom it is done to, and the list is read again', async () => {
  const { link, members } = await company();
  await members.add('eve', 'special');
  await members.setRole('bob', 'manager');
  await members.mute('bob', 300);
  await members.unmute('bob');
  await members.remove('bob');
  await members.kick('bob');

  const acts = link.asked.filter(([, event]) => event !== 'GET_CLIENTS_IN_ROOM');
  assert.deepEqual(acts.map(([, event, data]) => [event, data]), [
    ['ADD_CLIENT_TO_ROOM', { roomName: ROOM, identity: 'eve', role: 'special' }],
    ['SET_MEMBER_ROLE', { roomName: ROOM, targetIdentity: 'bob', role: 'manager' }],
    ['MUTE_MEMBER', { roomName: ROOM, targetIdentity: 'bob', duration: 300 }],
    ['UNMUTE_MEMBER', { roomName: ROOM, targetIdentity: 'bob' }],
    ['REMOVE_CLIENT_FROM_ROOM', { roomName: ROOM, targetIdentity: 'bob' }],
    ['KICK_MEMBER', { roomName: ROOM, targetIdentity: 'bob' }],
  ]);
  assert.equal(link.questions('GET_CLIENTS_IN_ROOM').length, 7);
});

test('an act that is refused is handed on', async () => {
  const { link, members } = await company();
  link.acks.SET_MEMBER_ROLE = refusal(4, 'the last master');

  await assert.rejects(members.setRole('ann', 'guest'), { code: 4 });
});

test('a mute has an end, or none', () => {
  const now = Date.parse('2026-11-21T10:00:00Z');

  assert.equal(isMuted({}, now), false);
  assert.equal(isMuted({ mutedUntil: null }, now), true);
  assert.equal(isMuted({ mutedUntil: '2026-11-21T10:00:01Z' }, now), true);
  assert.equal(isMuted({ mutedUntil: '2026-11-21T09:59:59Z' }, now), false);
});

test('a room is found among all, and follows its mode', async () => {
  const link = new FakeLink();
  link.acks.GET_ROOMS = { details: [{ roomName: ROOM, mode: 'Default', members: 2 }] };
  const room = new Room({ link, room: ROOM });
  room.open();

  assert.equal((await listRooms(link)).length, 1);
  assert.equal(await room.load(), true);
  link.hear('/rooms', 'ROOM_MODE_CHANGED', { roomName: ROOM, mode: 'Immediate' });
  assert.equal(room.details.mode, 'Immediate');
  assert.equal(await new Room({ link, room: 'cellar' }).load(), false);
});
