// The console and SillyTavern's extension believe the same of a broker that stops.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('what tests/extension tries of one is true of the other', () => {
  assert.equal(read('web/app/absence.js'), read('extension/absence.js'));
});
