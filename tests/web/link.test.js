// The way to the broker, with sockets that the test opens and closes.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { add } from '../../web/app/i18n.js';
import { Link, Refusal, tabIdentity } from '../../web/app/link.js';
import core from '../../web/texts/core.js';

add(core);

class FakeSocket {
  #handlers = new Map();
  connected = false;
  knocks = 0;
  said = [];
  acks = {};

  constructor(auth) {
    this.auth = auth;
  }

  on(event, handler) {
    this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), handler]);
  }

  off(event, handler) {
    if (event === undefined) this.#handlers.clear();
    else this.#handlers.set(event, (this.#handlers.get(event) ?? []).filter((each) => each !== handler));
  }

  hear(event, ...args) {
    for (const handler of this.#handlers.get(event) ?? []) handler(...args);
  }

  connect() {
    this.wanted = true;
    this.knocks += 1;
  }

  disconnect() {
    this.wanted = this.connected = false;
  }

  open() {
    this.connected = true;
    this.hear('connect');
  }

  refuse(message, code) {
    this.hear('connect_error', Object.assign(new Error(message), { data: { message, code } }));
  }

  lose() {
    this.connected = false;
    this.hear('disconnect', 'transport close');
  }

  /** Answered by HTTP instead of a connection. */
  turnAway(responseText) {
    this.hear('connect_error', Object.assign(new Error('xhr poll error'), { context: { responseText } }));
  }

  emit(event, ...data) {
    this.said.push([event, ...data]);
  }

  timeout() {
    return this;
  }

  async emitWithAck(event, ...data) {
    this.emit(event, ...data);
    if (!(event in this.acks)) throw new Error('operation has timed out');
    return this.acks[event];
  }
}

function network() {
  const sockets = {};
  const manager = {
    reconnects: true,
    reconnection(value) { this.reconnects = value; },
    socket: (namespace, { auth }) => (sockets[namespace] = new FakeSocket(auth)),
  };
  const link = new Link({ manager: () => manager, identity: (clientId) => `${clientId}-tab` });
  return { link, sockets, manager };
}

function online() {
  const all = network();
  all.link.connect({ clientId: 'ann', key: 'secret' });
  all.sockets['/debug'].open();
  return all;
}

test('a monitor comes in as one, by the identity of its tab', () => {
  const { link, sockets } = network();
  const states = [];
  link.onState((state) => states.push(state));
  link.connect({ clientId: 'ann', key: 'secret' });
  sockets['/debug'].open();

  assert.deepEqual(states, ['offline', 'connecting', 'online']);
  assert.deepEqual(sockets['/debug'].auth, {
    clientId: 'ann', key: 'secret', identity: 'ann-tab', clientType: 'monitor', desc: 'Console',
  });
});

test('a wrong key is not tried again', () => {
  const { link, sockets, manager } = network();
  link.connect({ clientId: 'ann', key: 'wrong' });
  sockets['/debug'].refuse('the key does not match', 5);

  assert.equal(link.state, 'refused');
  assert.equal(link.reason, 'the key does not match');
  assert.equal(link.code, 5);
  assert.equal(manager.reconnects, false);
  assert.equal(sockets['/debug'].wanted, false);
});

test('a broker that is away is offline, and comes back online', () => {
  const { link, sockets } = online();
  sockets['/debug'].connected = false;
  sockets['/debug'].hear('disconnect', 'transport close');
  const away = link.state;
  sockets['/debug'].open();

  assert.equal(away, 'offline');
  assert.equal(link.state, 'online');
});

test('what cannot be asked now is refused, not asked later', async () => {
  const { link, sockets } = network();
  link.connect({ clientId: 'ann', key: 'secret' });

  await assert.rejects(link.call('/debug', 'SERVER_STATUS'), { name: 'Refusal', code: 9 });
  assert.deepEqual(sockets['/debug'].said, []);
});

test('an ack is given, and a bad one is a refusal with the words of the broker', async () => {
  const { link, sockets } = online();
  Object.assign(sockets['/debug'].acks, {
    GOOD: { status: 'ok', lines: [] },
    BAD: { status: 'error', success: false, message: 'monitors only', code: 6 },
    CALL: { success: false, error: { message: 'no such function', code: 501 } },
  });

  assert.deepEqual(await link.call('/debug', 'GOOD', {}), { status: 'ok', lines: [] });
  await assert.rejects(link.call('/debug', 'BAD', {}), new Refusal('monitors only', 6));
  await assert.rejects(link.call('/debug', 'CALL', {}), { message: 'no such function', code: 501 });
});

test('no answer in time is said, and so is a connection that is lost meanwhile', async () => {
  const { link, sockets } = online();
  await assert.rejects(link.call('/debug', 'SILENCE'), { code: 8 });
  sockets['/debug'].emitWithAck = async () => {
    sockets['/debug'].connected = false;
    throw new Error('socket has been disconnected');
  };

  await assert.rejects(link.call('/debug', 'LOST'), { code: 11 });
});

test('a namespace is joined when it is first needed, and waited for', async () => {
  const { link, sockets } = online();
  const asked = link.call('/rooms', 'GET_ROOMS');
  const early = sockets['/rooms'].said.length;
  sockets['/rooms'].acks.GET_ROOMS = { status: 'ok', rooms: [] };
  sockets['/rooms'].open();

  assert.equal(early, 0);
  assert.deepEqual(await asked, { status: 'ok', rooms: [] });
});

test('a namespace that does not let us in refuses what is asked in it', async () => {
  const { link, sockets } = online();
  const asked = link.call('/rooms', 'GET_ROOMS');
  sockets['/rooms'].refuse('not here', 6);

  await assert.rejects(asked, new Refusal('not here', 6));
});

test('an event is heard over reconnections until one stops hearing it', () => {
  const { link, sockets } = network();
  const heard = [];
  const off = link.on('/llm', 'message', (data) => heard.push(data));
  link.connect({ clientId: 'ann', key: 'secret' });
  sockets['/llm'].hear('message', 1);
  link.connect({ clientId: 'ann', key: 'secret' });
  sockets['/llm'].hear('message', 2);
  off();
  sockets['/llm'].hear('message', 3);

  assert.deepEqual(heard, [1, 2]);
});

test('who leaves says so, and is heard of no more', () => {
  const { link, sockets } = online();
  const door = sockets['/debug'];
  link.disconnect();

  assert.deepEqual(door.said, [['CLIENT_DISCONNECTED']]);
  assert.equal(door.wanted, false);
  assert.equal(link.state, 'offline');
  assert.equal(link.clientId, '');
});

test('two tabs of one client are not one, and no identity is too long', () => {
  assert.notEqual(tabIdentity('ann'), tabIdentity('ann'));
  assert.ok(tabIdentity('a'.repeat(128)).length <= 128);
});

/** A broker says that it stops, and closes; what was tried before counts no more. */
function stopped(retryAfter) {
  const all = online();
  const door = all.sockets['/debug'];
  all.link.on('/rooms', 'ROOM_MODE_CHANGED', () => {});
  door.hear('WARNING', { type: 'WARNING', code: 9, message: 'the broker stops', retryAfter });
  door.lose();
  for (const socket of Object.values(all.sockets)) socket.knocks = 0;
  const knocks = () => Object.values(all.sockets).map((socket) => socket.knocks);
  return { ...all, door, knocks };
}

test('a broker that stops is left alone for as long as it asks', () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  const { link, manager, door, knocks } = stopped(3.4);
  const [state, until, reconnects] = [link.state, link.backAt, manager.reconnects];
  mock.timers.tick(3_399);
  const early = knocks();
  const seen = [];
  link.onState((now) => seen.push([now, link.backAt]));
  mock.timers.tick(1);
  mock.timers.reset();
  const then = knocks();
  door.open();

  assert.equal(state, 'offline');
  assert.equal(until.getTime(), 1_003_400);
  assert.equal(reconnects, false);
  assert.deepEqual(early, [0, 0]);
  assert.deepEqual(then, [1, 1]);
  assert.equal(manager.reconnects, true);
  assert.deepEqual(seen, [['offline', until], ['offline', null], ['online', null]]);
});

test('who does not want to wait tries at once, and not again when the time comes', () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { link, manager, knocks } = stopped(30);
  link.tryNow();
  const clicked = knocks();
  mock.timers.tick(30_000);
  mock.timers.reset();

  assert.deepEqual(clicked, [1, 1]);
  assert.deepEqual(knocks(), [1, 1]);
  assert.equal(link.backAt, null);
  assert.equal(manager.reconnects, true);
});

test('a view that opens meanwhile does not end the waiting', () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { link, sockets } = stopped(5);
  link.on('/clients', 'UPDATE_CONNECTED_CLIENTS', () => {});
  const early = sockets['/clients'].knocks;
  mock.timers.tick(5_000);
  mock.timers.reset();

  assert.equal(early, 0);
  assert.equal(sockets['/clients'].knocks, 1);
});

test('who signs out while it waits does not come back', () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { link, knocks } = stopped(5);
  link.disconnect();
  const { backAt } = link;
  mock.timers.tick(5_000);
  mock.timers.reset();

  assert.equal(backAt, null);
  assert.deepEqual(knocks(), [0, 0]);
});

test('who comes while the broker stops waits as it is told, each time', () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 });
  const { link, sockets, manager } = network();
  link.connect({ clientId: 'ann', key: 'secret' });
  const door = sockets['/debug'];
  door.turnAway(JSON.stringify({ status: 'error', code: 9, retryAfter: 2 }));
  const first = link.backAt.getTime();
  mock.timers.tick(2_000);
  door.turnAway(JSON.stringify({ status: 'error', code: 9, retryAfter: 4 }));
  const second = link.backAt.getTime();
  mock.timers.tick(4_000);
  door.turnAway('<html>502 Bad Gateway</html>');
  mock.timers.reset();

  assert.deepEqual([first, second], [2_000, 6_000]);
  assert.deepEqual([link.state, link.backAt], ['offline', null]);
  assert.equal(manager.reconnects, true);
  assert.equal(door.knocks, 3);
});

test('after a broker that was only lost the library comes back by itself', () => {
  const { link, sockets, manager } = online();
  sockets['/debug'].lose();

  assert.deepEqual([link.state, link.backAt], ['offline', null]);
  assert.equal(manager.reconnects, true);
});
