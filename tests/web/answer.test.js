// One answer from its chunks, however they come.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Answer } from '../../web/app/answer.js';

function answerOf(...chunks) {
  const answer = new Answer('o1', 'r1');
  chunks.forEach((data, index) => answer.take({ data, index }));
  return answer;
}

test('chunks in order make the text', () => {
  const answer = answerOf('An ', 'ale', '.');

  assert.equal(answer.text, 'An ale.');
  assert.equal(answer.next, 3);
});

test('a chunk that was read before is passed over', () => {
  const answer = answerOf('An ', 'ale');

  assert.equal(answer.take({ data: 'An ', index: 0 }), true);
  assert.equal(answer.text, 'An ale');
});

test('joined chunks count as all of them', () => {
  const answer = answerOf('An ');
  answer.take({ data: 'ale, please', index: 4, firstIndex: 1 });

  assert.equal(answer.text, 'An ale, please');
  assert.equal(answer.next, 5);
});

test('a chunk behind a gap is not read', () => {
  const answer = answerOf('An ');

  assert.equal(answer.take({ data: 'please', index: 2 }), false);
  assert.equal(answer.text, 'An ');
});

test('joined chunks of which some were read are not read twice', () => {
  const answer = answerOf('An ', 'ale');

  assert.equal(answer.take({ data: 'ale, please', index: 3, firstIndex: 1 }), false);
  assert.equal(answer.text, 'An ale');
});

test('what comes while the broker is asked is read behind what was missed', () => {
  const answer = answerOf('An ');
  answer.pause();
  answer.take({ data: 'now', index: 3 });
  answer.resume({ text: 'ale, ', next: 3, done: false });

  assert.equal(answer.text, 'An ale, now');
  assert.equal(answer.next, 4);
});

test('what was kept and is in what was missed is not read twice', () => {
  const answer = answerOf('An ');
  answer.pause();
  answer.take({ data: 'ale', index: 1 });
  answer.resume({ text: 'ale, now', next: 3, done: false });

  assert.equal(answer.text, 'An ale, now');
});

test('an end that comes while the broker is asked waits for its chunks', () => {
  const answer = answerOf('An ');
  answer.pause();
  answer.take({ data: '!', index: 2 });
  answer.end({ status: 'completed', chunks: 3 });
  answer.resume({ text: 'ale', next: 2, done: false });

  assert.equal(answer.text, 'An ale!');
  assert.equal(answer.status, 'completed');
});

test('an end before the last chunk is not one', () => {
  const answer = answerOf('An ');

  assert.equal(answer.end({ status: 'completed', chunks: 2 }), false);
  assert.equal(answer.status, null);
});

test('a final text replaces what was streamed', () => {
  const answer = answerOf('An al');
  answer.end({ status: 'completed', chunks: 7, finalText: 'An ale.' });

  assert.equal(answer.text, 'An ale.');
  assert.equal(answer.status, 'completed');
});

test('an answer from the history is its final text alone', () => {
  const answer = answerOf('An ', 'al');
  answer.pause();
  answer.resume({ text: '', next: 0, done: true, finalText: 'An ale.' }, 'completed');

  assert.equal(answer.text, 'An ale.');
  assert.equal(answer.status, 'completed');
});

test('where the broker knows no more, what was kept is read', () => {
  const answer = answerOf('An ');
  answer.pause();
  answer.take({ data: 'ale', index: 1 });
  answer.goOn();

  assert.equal(answer.text, 'An ale');
});
