// What assignments by hand become, and how well an instance does.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  addable,
  added,
  removed,
  roomsOf,
  successRate,
} from '../../web/views/assignment_changes.js';

test('an instance is added to a room once and taken from it', () => {
  assert.deepEqual(added(['a'], 'b'), ['a', 'b']);
  assert.deepEqual(added(['a', 'b'], 'b'), ['a', 'b']);
  assert.deepEqual(removed(['a', 'b'], 'a'), ['b']);
  assert.deepEqual(addable(['a'], ['a', 'b']), ['b']);
});

test('rooms in which nobody answers come first', () => {
  const rooms = roomsOf({ c: ['St'], b: [], a: ['St'] }, '');

  assert.deepEqual(rooms.map(({ room }) => room), ['b', 'a', 'c']);
});

test('rooms are found by their name and by their instances', () => {
  const assignments = { lobby: ['St-1'], cellar: ['St-2'] };

  assert.deepEqual(roomsOf(assignments, 'LOB').map(({ room }) => room), ['lobby']);
  assert.deepEqual(roomsOf(assignments, 'st-2').map(({ room }) => room), ['cellar']);
});

test('the success rate is a part of what has ended, and unknown before', () => {
  assert.equal(successRate({ completed: 3, failed: 1 }), 0.75);
  assert.equal(successRate({ completed: 0, failed: 0 }), null);
});
