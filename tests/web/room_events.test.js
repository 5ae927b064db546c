// What rooms and their chat say is what the broker says.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { EVENT, MODES, ROLES, ROOM_CODE, TERMINAL } from '../../web/app/room_events.js';

const source = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('every event is one that the broker knows', () => {
  const wire = source('broker/protocol/wire.py');
  for (const name of Object.values(EVENT)) assert.ok(wire.includes(`"${name}"`), name);
});

test('every mode, role and terminal state is the broker\'s', () => {
  const places = [
    [MODES, 'actors/modes.py'],
    [ROLES, 'actors/roles.py'],
    [TERMINAL, 'actors/lifecycle.py'],
  ];
  for (const [words, path] of places) {
    for (const word of words) assert.ok(source(path).includes(`"${word}"`), word);
  }
});

test('every code is the broker\'s', () => {
  const errors = source('actors/errors.py');
  for (const code of Object.values(ROOM_CODE)) assert.ok(errors.includes(`= ${code}\n`), `${code}`);
});
