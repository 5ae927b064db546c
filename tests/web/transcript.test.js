// What was said, in the order of the history, from pages and from news.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { textOf, Transcript } from '../../web/app/transcript.js';

const message = (number, more = {}) => ({
  messageId: `m${number}`,
  identity: 'ann',
  message: `words ${number}`,
  ...more,
});
const messages = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, index) => message(from + index));
const ids = (transcript) => transcript.messages.map(({ messageId }) => messageId).join(' ');

test('older pages go before the newest part, each message once', () => {
  const transcript = new Transcript();
  transcript.renew(messages(5, 7));
  transcript.startOver();
  transcript.merge(messages(1, 3));
  transcript.merge(messages(4, 6));
  transcript.merge([message(7)]);

  assert.equal(ids(transcript), 'm1 m2 m3 m4 m5 m6 m7');
});

test('what is said while pages come stays at the end', () => {
  const transcript = new Transcript();
  transcript.renew(messages(3, 4));
  transcript.startOver();
  transcript.merge(messages(1, 2));
  transcript.add(message(5));
  transcript.merge(messages(3, 5));

  assert.equal(ids(transcript), 'm1 m2 m3 m4 m5');
});

test('a deletion while pages come does not mix up their order', () => {
  const transcript = new Transcript();
  transcript.renew(messages(5, 6));
  transcript.startOver();
  transcript.merge(messages(1, 2));
  transcript.remove(['m1']);
  transcript.merge(messages(3, 4));

  assert.equal(ids(transcript), 'm2 m3 m4 m5 m6');
});

test('the newest part replaces what it covers, with what was edited and deleted meanwhile', () => {
  const transcript = new Transcript();
  transcript.renew(messages(1, 5));
  transcript.renew([message(3), message(5, { message: 'edited' }), message(6)]);

  assert.equal(ids(transcript), 'm1 m2 m3 m5 m6');
  assert.equal(transcript.find('m5').message, 'edited');
});

test('what was said while the newest part was read is not lost', () => {
  const transcript = new Transcript();
  transcript.renew(messages(1, 2));
  transcript.add(message(4));
  transcript.renew(messages(2, 3), [message(4)]);

  assert.equal(ids(transcript), 'm1 m2 m3 m4');
});

test('where there is a gap before the newest part, what is older goes', () => {
  const transcript = new Transcript();
  transcript.renew(messages(1, 2));
  transcript.complete = true;
  transcript.renew(messages(900, 901));

  assert.equal(ids(transcript), 'm900 m901');
  assert.equal(transcript.complete, false);
});

test('where the newest part is all there is, what else was here has been deleted', () => {
  const transcript = new Transcript();
  transcript.renew(messages(1, 5));
  transcript.renew(messages(3, 5), [], true);

  assert.equal(ids(transcript), 'm3 m4 m5');
  assert.equal(transcript.complete, true);
});

test('an empty history is a complete one', () => {
  const transcript = new Transcript();
  transcript.renew([]);

  assert.equal(transcript.complete, true);
});

test('an edited message takes its own place; one that is not here none', () => {
  const transcript = new Transcript();
  transcript.renew(messages(1, 3));
  transcript.replace(message(2, { message: 'edited' }));
  transcript.replace(message(9));

  assert.equal(transcript.messages[1].message, 'edited');
  assert.equal(ids(transcript), 'm1 m2 m3');
});

test('clearing takes requests, answers, or everything with the words of the broker', () => {
  const kinds = [{ fromClient: true }, { fromLlm: true }, { isSystem: true }];
  const left = (what) => {
    const transcript = new Transcript();
    transcript.renew(kinds.map((kind, index) => message(index, kind)));
    transcript.clear(what);
    return ids(transcript);
  };

  assert.equal(left({ requests: true, responses: false }), 'm1 m2');
  assert.equal(left({ requests: false, responses: true }), 'm0 m2');
  assert.equal(left({ requests: true, responses: true }), '');
});

test('a search finds words and names, whatever their case', () => {
  const transcript = new Transcript();
  transcript.renew([message(1, { data: 'x' }), message(2, { identity: 'Bob' }), message(3)]);
  const found = (text) => transcript.search(text).map(({ messageId }) => messageId).join(' ');

  assert.equal(found('WORDS 3'), 'm3');
  assert.equal(found('bob'), 'm2');
  assert.equal(found('  '), 'm1 m2 m3');
  assert.equal(found('(.*)'), '');
});

test('the words of a message are found wherever its author has put them', () => {
  assert.equal(textOf({ message: 'said' }), 'said');
  assert.equal(textOf({ data: 'answered' }), 'answered');
  assert.equal(textOf({ message: '', data: 'more' }), 'more');
  assert.equal(textOf({ data: { prompt: 'asked' } }), 'asked');
  assert.equal(textOf({ data: { any: 1 } }), '{\n  "any": 1\n}');
  assert.equal(textOf({ messages: [{ role: 'user', content: 'hi' }, null] }), 'user: hi\n?: undefined');
  assert.equal(textOf({ message: 7 }), '7');
  assert.equal(textOf({}), '');
});

test('ten thousand messages in pages are put in order in no time', () => {
  const transcript = new Transcript();
  transcript.renew(messages(9_001, 10_000));
  transcript.startOver();
  const began = performance.now();
  for (let first = 1; first <= 10_000; first += 50) transcript.merge(messages(first, first + 49));

  assert.equal(transcript.size, 10_000);
  assert.equal(transcript.messages[4_999].messageId, 'm5000');
  assert.ok(performance.now() - began < 2_000);
});
