// Routing rules taken apart.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { conditions, destination, obstacle, trafficOf } from '../../web/views/rule_words.js';

const TO_ARCHIVE = {
  match: { event: 'message', room: ['lobby', 'garden-*'] },
  to: { room: 'archive' },
  action: 'copy',
};

test('a rule asks for the fields it names, in one order', () => {
  assert.deepEqual(conditions(TO_ARCHIVE), [
    { name: 'event', words: ['message'] },
    { name: 'room', words: ['lobby', 'garden-*'] },
  ]);
  assert.deepEqual(conditions({ match: { type: 0 } }), [{ name: 'type', words: ['0'] }]);
  assert.deepEqual(conditions({ match: { room: null } }), []);
});

test('a rule goes to a room, to somebody, to all or nowhere', () => {
  assert.deepEqual(destination({ room: 'archive' }), { kind: 'room', name: 'archive' });
  assert.deepEqual(destination({ identity: 'ann' }), { kind: 'identity', name: 'ann' });
  assert.deepEqual(destination({ all: true }), { kind: 'all' });
  assert.deepEqual(destination(undefined), { kind: 'nowhere' });
});

test('the first condition that is not met is what kept a rule from fitting', () => {
  const { name } = obstacle(TO_ARCHIVE, { event: 'message', room: 'Lobby' });

  assert.equal(name, 'room');
});

test('a star at the end fits what begins so, and alone whatever is there', () => {
  assert.equal(obstacle(TO_ARCHIVE, { event: 'message', room: 'garden-2' }), null);
  assert.equal(obstacle({ match: { room: '*' } }, { room: 'any' }), null);
  assert.equal(obstacle({ match: { room: '*' } }, {}).name, 'room');
});

test('a rule that names nothing fits everything', () => {
  assert.equal(obstacle({ match: {} }, { event: 'message' }), null);
});

test('what was left empty is no part of what is tried', () => {
  assert.deepEqual(trafficOf({ event: ' message ', room: '', type: ' ' }), { event: 'message' });
});
