// The console's names are the broker's.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { EVENT, NAMESPACE } from '../../web/app/wire.js';

const WIRE = readFileSync(new URL('../../broker/protocol/wire.py', import.meta.url), 'utf8');

test('every event and namespace is one that the broker knows', () => {
  for (const name of [...Object.values(EVENT), ...Object.values(NAMESPACE)]) {
    assert.ok(WIRE.includes(`"${name}"`), name);
  }
});
