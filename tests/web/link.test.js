// The way to the broker, with sockets that the test opens and closes.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { add } from '../../web/app/i18n.js';
import { Link, Refusal, tabIdentity } from '../../web/app/link.js';
import core from '../../web/texts/core.js';

add(core);

class FakeSocket {
  #handlers = new Map();
  connected = false;
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
