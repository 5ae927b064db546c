// Which requests are listed, in what order, and what of an answer is to be asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AnswerText, growth } from '../../web/views/answer_text.js';
import { filterOf, matches, placeOf, RequestList } from '../../web/views/request_list.js';
import { adviceFor, parts } from '../../web/views/request_times.js';
import requestTexts from '../../web/texts/requests.js';

const EVERYTHING = { shown: 'all', instance: '', words: '' };

function request(seq, state = 'completed', more = {}) {
  return { seq, state, requestId: `r-${seq}`, requester: 'ann', room: 'ann', ...more };
}

const seqs = (rows) => rows.map(({ seq }) => seq);

test('what is in flight comes first, the newest first among each', () => {
  const list = new RequestList();
  list.follow([request(1, 'queued'), request(2), request(3, 'streaming'), request(4, 'failed')]);

  assert.deepEqual(seqs(list.rows(EVERYTHING)), [3, 1, 4, 2]);
});

test('a request that the feed no longer tells of stays in the list once it has ended', () => {
  const list = new RequestList();
  list.follow([request(1), request(2, 'sent')]);
  list.follow([request(3)]);

  assert.deepEqual(seqs(list.rows(EVERYTHING)), [3, 1]);
});

test('what the feed says of a request counts more than what was known', () => {
  const list = new RequestList();
  list.add([request(1, 'failed')]);
  list.follow([request(1, 'completed')]);

  assert.equal(list.get(1).state, 'completed');
  assert.equal(list.size, 1);
});

test('older ones are asked for from behind the oldest that has ended', () => {
  const list = new RequestList();
  assert.equal(list.oldest, undefined);

  list.follow([request(2, 'queued'), request(90), request(91)]);
  assert.equal(list.oldest, 90);
  list.add([request(89), request(88, 'queued')]);
  assert.equal(list.oldest, 88);
});

test('no more than the last 500 ended ones are kept', () => {
  const list = new RequestList();
  for (let seq = 1; seq <= 700; seq += 1) list.follow([request(seq)]);

  assert.equal(list.size, 500);
  assert.equal(list.oldest, 201);
  list.add([request(3)]);
  assert.equal(list.get(3), undefined);
});

test('after a restart of the broker nothing is known', () => {
  const list = new RequestList();
  list.follow([request(1), request(2, 'queued')]);
  list.clear();

  assert.deepEqual(list.rows(EVERYTHING), []);
  assert.equal(list.oldest, undefined);
});

test('the list is narrowed by state, by instance and by words', () => {
  const failed = request(1, 'timeout', { instance: 'St-1', error: { message: 'Fell silent' } });

  assert.ok(matches(failed, { ...EVERYTHING, shown: 'failed' }));
  assert.ok(!matches(failed, { ...EVERYTHING, shown: 'flight' }));
  assert.ok(!matches(request(2), { ...EVERYTHING, shown: 'failed' }));
  assert.ok(matches(failed, { ...EVERYTHING, instance: 'St-1' }));
  assert.ok(!matches(request(2), { ...EVERYTHING, instance: 'St-1' }));
  assert.ok(matches(failed, { ...EVERYTHING, words: 'fell SILENT' }));
  assert.ok(!matches(request(2, 'queued', { instance: null }), { ...EVERYTHING, words: 'bob' }));
});

test('a place stands for a filter and back', () => {
  for (const place of [['requests'], ['requests', 'failed'], ['requests', 'instance', 'a/b']]) {
    assert.deepEqual(placeOf(filterOf(place.slice(1))), place);
  }
  assert.deepEqual(filterOf(['no such thing']), EVERYTHING);
});

test('an answer grows by what was missed, and is asked for from there', () => {
  const answer = new AnswerText();
  assert.deepEqual(answer.wanted, {});

  answer.take([{ outputId: 'o', text: 'One ', next: 1, done: false }]);
  answer.take([{ outputId: 'o', text: 'ale', next: 3, done: false }]);

  assert.deepEqual(answer.wanted, { o: 3 });
  assert.deepEqual(answer.outputs, [{ outputId: 'o', text: 'One ale', next: 3, done: false }]);
});

test('a final text replaces what came', () => {
  const answer = new AnswerText();
  answer.take([{ outputId: 'o', text: 'One al', next: 2, done: false }]);
  answer.take([{ outputId: 'o', text: '', next: 2, done: true, finalText: 'Two ales' }]);

  assert.equal(answer.outputs[0].text, 'Two ales');
});

test('an answer that was begun elsewhere is forgotten when the request moves', () => {
  const answer = new AnswerText();
  answer.take([{ outputId: 'a', text: 'One', next: 1, done: false }]);
  answer.take([{ outputId: 'b', text: 'Two', next: 1, done: false }]);

  assert.deepEqual(answer.wanted, { b: 1 });
});

test('a text that only grew keeps what is shown', () => {
  assert.deepEqual(growth('One', 'One ale'), { keep: true, add: ' ale' });
  assert.deepEqual(growth('One', 'Two'), { keep: false, add: 'Two' });
});

const AT = '2026-11-21T10:00:00Z';
const later = (seconds) => new Date(Date.parse(AT) + seconds * 1000).toISOString();

test('the parts of a life are measured up to now while it lasts', () => {
  const running = request(1, 'sent', { createdAt: AT, sentAt: later(2) });

  assert.deepEqual(parts(running, Date.parse(later(5))), [
    { part: 'waiting', lasted: 2000, over: true },
    { part: 'thinking', lasted: 3000, over: false },
  ]);
});

test('the parts of a life that is over are measured up to its end', () => {
  const ended = request(1, 'completed', {
    createdAt: AT, sentAt: later(1), firstAt: later(3), endedAt: later(9),
  });

  assert.deepEqual(
    parts(ended, 0).map(({ part, lasted, over }) => [part, lasted, over]),
    [['waiting', 1000, true], ['thinking', 2000, true], ['answering', 6000, true]],
  );
  assert.deepEqual(parts(request(1, 'cancelled', { createdAt: AT, endedAt: later(4) }), 0), [
    { part: 'waiting', lasted: 4000, over: true },
  ]);
});

test('every advice there is has a text in both languages', () => {
  for (const [language, texts] of Object.entries(requestTexts)) {
    for (let code = 1; code < 11_000; code += 1) {
      const key = adviceFor(code);
      if (key) assert.ok(texts[key], `${key} in ${language}`);
    }
  }
  assert.equal(adviceFor(undefined), undefined);
});
