// The newest problems of the overview.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { problems } from '../../web/views/problems.js';

const LOG = [
  { time: '2026-01-01T10:00:00Z', level: 'info', service: 'a', message: 'all is well' },
  { time: '2026-01-01T10:00:01Z', level: 'warn', service: 'a', message: 'slow disk' },
  { time: '2026-01-01T10:00:04Z', level: 'error', service: 'b', message: 'broken' },
];
const REQUESTS = new Map([
  ['1', { seq: 1, requestId: 'r-1', state: 'failed', endedAt: '2026-01-01T10:00:02Z', error: { message: 'lost' } }],
  ['2', { seq: 2, requestId: 'r-2', state: 'completed', endedAt: '2026-01-01T10:00:03Z' }],
  ['3', { seq: 3, requestId: 'r-3', state: 'timeout', endedAt: '2026-01-01T10:00:05Z' }],
]);

test('warnings, errors and failed requests are told, the newest first', () => {
  const told = problems({ log: LOG, requests: REQUESTS }, 8);

  assert.deepEqual(told.map(({ kind, text }) => [kind, text]), [
    ['request', ''], ['error', 'broken'], ['request', 'lost'], ['warn', 'slow disk'],
  ]);
});

test('no more are told than are asked for', () => {
  assert.equal(problems({ log: LOG, requests: REQUESTS }, 2).length, 2);
});
