// The picture of the house, and how it follows the broker.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { House, applySnapshot, applyUpdate, nothing } from '../../web/app/house.js';

const SNAPSHOT = {
  revision: 7,
  house: { rooms: 2, policy: 'Free' },
  instances: { tavern: { identity: 'tavern', state: 'idle' } },
  requests: { 1: { seq: 1, state: 'streaming' }, 2: { seq: 2, state: 'queued' } },
  clients: {},
  log: [{ message: 'first' }],
};

function picture() {
  const made = nothing();
  applySnapshot(made, structuredClone(SNAPSHOT));
  return made;
}

test('a difference changes what it names and leaves the rest', () => {
  const shown = picture();
  const before = shown.requests.get('1');
  const changed = applyUpdate(shown, {
    revision: 8,
    changes: {
      house: { rooms: 3 },
      requests: { set: { 3: { seq: 3 } }, gone: [2] },
      log: [{ message: 'second' }],
    },
  });

  assert.deepEqual([...changed].sort(), ['house', 'log', 'requests']);
  assert.deepEqual(shown.house, { rooms: 3, policy: 'Free' });
  assert.deepEqual([...shown.requests.keys()], ['1', '3']);
  assert.equal(shown.requests.get('1'), before);
  assert.deepEqual(shown.log.map(({ message }) => message), ['first', 'second']);
});

test('what is older than the picture changes nothing', () => {
  const shown = picture();
  const changed = applyUpdate(shown, { revision: 7, changes: { house: { rooms: 9 } } });

  assert.equal(changed.size, 0);
  assert.equal(shown.house.rooms, 2);
});

test('a snapshot takes the place of everything', () => {
  const shown = picture();
  applyUpdate(shown, { revision: 3, snapshot: { ...SNAPSHOT, revision: 3, requests: {} } });

  assert.equal(shown.revision, 3);
  assert.equal(shown.requests.size, 0);
});

test('samples are kept for a quarter of an hour', () => {
  const shown = picture();
  for (let moment = 0; moment <= 1_000; moment += 5) applyUpdate(shown, { sample: [moment] });

  assert.equal(shown.history.at(-1)[0], 1_000);
  assert.equal(shown.history[0][0], 105);
});

test('the log is kept as far as one reads back', () => {
  const shown = picture();
  const lines = Array.from({ length: 1_500 }, (_, index) => ({ message: `${index}` }));
  applyUpdate(shown, { revision: 8, changes: { log: lines } });

  assert.equal(shown.log.length, 1_000);
  assert.equal(shown.log.at(-1).message, '1499');
});

/** A link whose broker answers when it is told to. */
class FakeLink {
  state = 'offline';
  asked = [];

  on(_namespace, _event, listener) {
    this.tell = listener;
  }

  onState(listener) {
    this.become = (state) => {
      this.state = state;
      listener(state);
    };
    listener(this.state);
  }

  call(_namespace, event) {
    return new Promise((resolve, reject) => this.asked.push({ event, resolve, reject }));
  }
}

async function answer(link, ack) {
  link.asked.shift().resolve(ack);
  await new Promise(setImmediate);
}

test('what comes before its snapshot waits for it', async () => {
  const link = new FakeLink();
  const house = new House(link);
  house.watch();
  link.become('online');
  link.tell({ revision: 8, changes: { house: { rooms: 4 } } });
  await answer(link, { snapshot: structuredClone(SNAPSHOT), history: [[1]] });

  assert.equal(house.house.rooms, 4);
  assert.equal(house.history.length, 1);
});

test('after a reconnection the picture is made anew', async () => {
  const link = new FakeLink();
  const house = new House(link);
  const heard = [];
  house.watch();
  house.onChange('requests', () => heard.push(house.requests.size));
  link.become('online');
  await answer(link, { snapshot: structuredClone(SNAPSHOT), history: [] });
  link.become('offline');
  link.tell({ revision: 99, changes: { requests: { gone: [1] } } });
  link.become('online');
  await answer(link, { snapshot: { ...SNAPSHOT, revision: 1, requests: {} }, history: [] });

  assert.deepEqual(heard, [2, 0]);
});

test('why there is no picture is said, unless the broker is away', async () => {
  const link = new FakeLink();
  const said = [];
  const house = new House(link, ({ message }) => said.push(message));
  house.watch();
  link.become('online');
  link.asked.shift().reject(new Error('monitors only'));
  await new Promise(setImmediate);
  link.become('offline');
  link.become('online');
  link.state = 'offline';
  link.asked.shift().reject(new Error('the connection was lost'));
  await new Promise(setImmediate);

  assert.deepEqual(said, ['monitors only']);
  assert.equal(house.watching, false);
});
