// What a broker may ask of those whom it leaves.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Absence } from '../../extension/absence.js';

for (const [said, ms] of [
  [{ retryAfter: 3.4 }, 3_400],
  [{ retryAfter: 61 }, 61_000],
  [{ retryAfter: 1e9 }, 120_000],
  [{ retryAfter: 0 }, 0],
  [{ retryAfter: -5 }, 0],
  [{ retryAfter: '5' }, 0],
  [{ retryAfter: Infinity }, 0],
  [{ retryAfter: NaN }, 0],
  [{ code: 52, message: 'exists already' }, 0],
  [null, 0],
  [undefined, 0],
]) {
  test(`${JSON.stringify(said)} means ${ms} ms`, () => {
    const absence = new Absence();
    absence.hear(said);

    assert.equal(absence.take(), ms);
  });
}

test('what was asked is waited for once', () => {
  const absence = new Absence();
  absence.hear({ retryAfter: 2 });
  absence.hear({ code: 52 });

  assert.deepEqual([absence.take(), absence.take()], [2_000, 0]);
});

test('what was asked last is what counts', () => {
  const absence = new Absence();
  absence.hear({ retryAfter: 20 });
  absence.hearRefusal({ context: { responseText: '{"retryAfter":2}' } });

  assert.equal(absence.take(), 2_000);
});

test('a refusal without an answer asks for nothing', () => {
  const absence = new Absence();
  absence.hearRefusal(new Error('websocket error'));

  assert.equal(absence.take(), 0);
});
