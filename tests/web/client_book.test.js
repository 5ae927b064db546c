// Who is trusted, and how many of each are here.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ClientBook, counted } from '../../web/views/client_book.js';

const ONLINE = { clientId: 'app', status: 'online' };
const AWAY = { clientId: 'app', status: 'away' };

class FakeLink {
  state = 'offline';
  asked = [];
  #listeners = new Set();

  onState(listener) {
    this.#listeners.add(listener);
    listener(this.state);
    return () => this.#listeners.delete(listener);
  }

  become(state) {
    this.state = state;
    for (const listener of this.#listeners) listener(state);
  }

  async call(namespace, event) {
    this.asked.push([namespace, event]);
    return { clients: [{ clientId: 'app', online: 0, keys: [] }] };
  }
}

class FakeHouse {
  clients = new Map([['app', ONLINE]]);
  listeners = new Set();

  onChange(section, listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** A book, and a promise of its next change. */
function open(link, house) {
  let changed;
  const change = new Promise((resolve) => { changed = resolve; });
  return { book: new ClientBook({ link, house }, () => changed()), change };
}

test('only sessions that are online are counted', () => {
  const entries = new Map([['app', { clientId: 'app', online: 0 }]]);
  const clients = new Map([['tab-1', ONLINE], ['tab-2', ONLINE], ['tab-3', AWAY]]);

  assert.equal(counted(entries, clients).get('app').online, 2);
});

test('an entry stays the same object as long as its count does', () => {
  const entry = { clientId: 'app', online: 1 };
  const entries = new Map([['app', entry]]);

  assert.equal(counted(entries, new Map([['app', ONLINE]])).get('app'), entry);
  assert.notEqual(counted(entries, new Map()).get('app'), entry);
});

test('a book asks once it is connected, and after each reconnection', async () => {
  const [link, house] = [new FakeLink(), new FakeHouse()];
  const { book, change } = open(link, house);
  const early = [link.asked.length, book.looked];
  link.become('online');
  await change;
  link.become('offline');
  link.become('online');
  book.close();

  assert.deepEqual(early, [0, false]);
  assert.deepEqual(link.asked, [['/debug', 'GET_KEYS'], ['/debug', 'GET_KEYS']]);
  assert.equal(book.looked, true);
  assert.equal(book.find('app').online, 1);
});

test('a closed book asks and hears nothing any more', () => {
  const [link, house] = [new FakeLink(), new FakeHouse()];
  open(link, house).book.close();
  link.become('online');

  assert.deepEqual(link.asked, []);
  assert.equal(house.listeners.size, 0);
});
