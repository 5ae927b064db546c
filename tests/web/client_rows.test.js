// Clients as the console lists them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  bookRows, hereRows, isExpired, kindOf, newestUse, sessionsOf, SHOW, usedAt,
} from '../../web/views/client_rows.js';

function here(...clients) {
  return new Map(clients.map((client) => [client.identity, { clientId: client.identity, ...client }]));
}

function names(rows) {
  return rows.map(({ identity, clientId }) => identity ?? clientId);
}

test('who is away comes last, and numbers count as numbers', () => {
  const clients = here(
    { identity: 'guest-10', status: 'online' },
    { identity: 'anna', status: 'away' },
    { identity: 'guest-9', status: 'online' },
  );

  assert.deepEqual(names(hereRows(clients)), ['guest-9', 'guest-10', 'anna']);
});

test('a search looks at name, client, description and address, whatever the case', () => {
  const clients = here(
    { identity: 'tab-1', clientId: 'Web-App' },
    { identity: 'tab-2', clientId: 'x', desc: 'the WEB one' },
    { identity: 'tab-3', clientId: 'y', address: '10.0.0.7' },
  );

  assert.deepEqual(names(hereRows(clients, { search: ' web' })), ['tab-1', 'tab-2']);
  assert.deepEqual(names(hereRows(clients, { search: '10.0.0' })), ['tab-3']);
});

test('what is no text is searched without harm', () => {
  const clients = here({ identity: 'odd', desc: { toString: null }, name: null, address: '7' });

  assert.deepEqual(names(hereRows(clients, { search: '7' })), ['odd']);
});

test('clients are shown by what they are', () => {
  const clients = here(
    { identity: 'm', clientType: 'monitor' },
    { identity: 's', clientType: 'SillyTavern' },
    { identity: 'w', clientType: 'web' },
    { identity: 'n' },
  );

  assert.deepEqual(names(hereRows(clients, { show: SHOW.MONITORS })), ['m']);
  assert.deepEqual(names(hereRows(clients, { show: SHOW.SILLY_TAVERNS })), ['s']);
  assert.deepEqual(names(hereRows(clients, { show: SHOW.OTHERS })), ['n', 'w']);
  assert.equal(kindOf('constructor'), 'other');
});

const MADE = '2026-01-01T00:00:00.000Z';

function key(id, lastUsedAt, lastAddress = null) {
  return { id, createdAt: MADE, lastUsedAt, lastAddress };
}

test('the newest use of a client is that of the key used last', () => {
  const keys = [
    key('a', '2026-01-02T00:00:00.000Z'),
    key('b', '2026-01-03T00:00:00.000Z'),
    key('c', MADE),
  ];

  assert.equal(newestUse({ keys }).id, 'b');
  assert.equal(newestUse({ keys: [] }), null);
});

test('a key that says it was used when it was made was never used', () => {
  assert.equal(usedAt(key('a', MADE)), null);
  assert.equal(usedAt(key('a', MADE, '127.0.0.1')), MADE);
  assert.equal(newestUse({ keys: [key('a', MADE)] }), null);
});

test('trusted clients are found by the address they came from last', () => {
  const entries = [
    { clientId: 'b', kind: 'client', keys: [] },
    { clientId: 'a', kind: 'client', keys: [key('k', '2026-01-02T00:00:00.000Z', '10.0.0.9')] },
  ];

  assert.deepEqual(names(bookRows(entries)), ['a', 'b']);
  assert.deepEqual(names(bookRows(entries, { search: '0.0.9' })), ['a']);
});

test('a client has all sessions that came with its clientId', () => {
  const clients = here(
    { identity: 'tab-2', clientId: 'app' },
    { identity: 'app', clientId: 'other' },
    { identity: 'tab-1', clientId: 'app' },
  );

  assert.deepEqual(names(sessionsOf('app', clients)), ['tab-1', 'tab-2']);
});

test('a key expires at its end, and never without one', () => {
  const now = Date.parse('2026-11-21T10:00:00.000Z');
  const ends = [null, undefined, '2026-11-21T10:00:00.001Z', '2026-11-21T10:00:00.000Z'];

  assert.deepEqual(ends.map((expiresAt) => isExpired({ expiresAt }, now)), [false, false, false, true]);
});
