// Who may ask for a key, and why one is not let in.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { givesKeys, whyRefused } from '../../web/app/entry.js';
import { add } from '../../web/app/i18n.js';
import core from '../../web/texts/core.js';

add(core);

test('only on its own machine, and only if it says so, is the broker asked for a key', () => {
  for (const hostname of ['localhost', '127.0.0.1', '127.0.0.53', '[::1]']) {
    assert.ok(givesKeys('yes', { hostname }));
    assert.ok(!givesKeys('no', { hostname }));
  }
  for (const hostname of ['192.168.1.5', 'tavern.example', '127.example.org', 'localhost.example.org']) {
    assert.ok(!givesKeys('yes', { hostname }), hostname);
  }
});

test('a wrong key gets one sentence, and too many of them say how long to wait', () => {
  const wrong = { code: 5, reason: "the key does not match client 'ann'", clientId: 'ann' };
  const many = { code: 5, reason: 'too many wrong keys, try again in 60 seconds', clientId: 'ann' };

  assert.equal(whyRefused(wrong), 'This is not a key of ann.');
  assert.equal(whyRefused(many), 'Too many wrong keys came from here. Try again in 60 s.');
});

test('who may not be a monitor hears why, in the words of the broker', () => {
  const reason = "client 'ann' may not be a monitor";

  assert.ok(whyRefused({ code: 6, reason, clientId: 'ann' }).endsWith(reason));
  assert.equal(whyRefused({ code: 9, reason: 'later' }), 'later');
});
