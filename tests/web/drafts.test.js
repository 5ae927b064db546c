// What the operator has begun to write.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Drafts } from '../../web/app/drafts.js';

test('a draft is that of its room', () => {
  const drafts = new Drafts();
  drafts.keep('lobby', { text: 'An ale', target: 'SillyTavern-1' });

  assert.deepEqual(drafts.of('lobby'), { text: 'An ale', target: 'SillyTavern-1' });
  assert.deepEqual(drafts.of('cellar'), { text: '', target: '' });
});

test('one that was sent is gone, but not to whom', () => {
  const drafts = new Drafts();
  drafts.keep('lobby', { text: 'An ale', target: 'SillyTavern-1' });
  drafts.keep('lobby', { text: '', target: 'SillyTavern-1' });
  const sent = drafts.of('lobby');
  drafts.keep('lobby', { text: '', target: '' });

  assert.deepEqual(sent, { text: '', target: 'SillyTavern-1' });
  assert.deepEqual(drafts.of('lobby'), { text: '', target: '' });
});

test('what is forgotten is not there for whoever comes next', () => {
  const drafts = new Drafts();
  drafts.keep('lobby', { text: 'For your eyes only', target: '' });
  drafts.forget();

  assert.equal(drafts.of('lobby').text, '');
});
