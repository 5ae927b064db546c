// What a line of the log says of its time.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clock } from '../../web/views/log_line.js';

test('the time of a file is left as the broker wrote it', () => {
  assert.equal(clock('2026-11-21 06:48:33'), '2026-11-21 06:48:33');
  assert.equal(clock(''), '');
  assert.equal(clock('nonsenseZ'), 'nonsenseZ');
});

test('a live time is that of this browser', () => {
  const moment = new Date(2026, 10, 21, 6, 8, 3);

  assert.equal(clock(moment.toISOString()), '2026-11-21 06:08:03');
});
