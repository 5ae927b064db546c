// A room's history on its way here.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { History } from '../../web/app/history.js';
import { Transcript } from '../../web/app/transcript.js';
import { FakeLink, refusal, settled } from './fake_link.js';

const message = (number) => ({ messageId: `m${number}`, message: `words ${number}` });

function library() {
  const link = new FakeLink();
  const transcript = new Transcript();
  const history = new History({ link, room: 'lobby', transcript });
  history.open();
  const page = (updateId, numbers, isLastPage = false) =>
    link.hear('/llm', 'UPDATE_CONTEXT_PAGE', {
      updateId, roomName: 'lobby', contextPage: numbers.map(message), isLastPage,
    });
  return { link, transcript, history, page };
}

test('the newest part comes at once, and more is known to be missing', async () => {
  const { link, transcript, history } = library();
  link.acks.GET_FULL_CONTEXT = () => {
    link.hear('/llm', 'UPDATE_CONTEXT', { roomName: 'lobby', context: [message(1)] });
    link.hear('/llm', 'UPDATE_CONTEXT', { roomName: 'elsewhere', context: [message(2)] });
    return { total: 1 };
  };
  await history.readNewest();

  assert.deepEqual(link.questions('GET_FULL_CONTEXT'), [{ roomName: 'lobby', whole: true }]);
  assert.equal(transcript.size, 1);
  assert.equal(transcript.complete, false);
});

test('a newest part that is all of it leaves nothing to be loaded', async () => {
  const { link, transcript, history } = library();
  link.acks.GET_FULL_CONTEXT = () => {
    const context = [message(1), message(2)];
    link.hear('/llm', 'UPDATE_CONTEXT', { roomName: 'lobby', context, complete: true });
    return { total: 2, complete: true };
  };
  await history.readNewest();

  assert.equal(transcript.complete, true);
});

test('pages fill the transcript, even those before the ack, and the last completes it', async () => {
  const { link, transcript, history, page } = library();
  const read = [];
  link.acks.GET_FULL_CONTEXT = () => {
    page('u1', [1, 2]);
    return { updateId: 'u1', total: 3 };
  };
  const all = history.readAll((done, total) => read.push(`${done}/${total}`));
  await settled();
  page('of another reading', [8], true);
  page('u1', [3], true);
  await all;

  assert.equal(transcript.size, 3);
  assert.equal(transcript.complete, true);
  assert.deepEqual(read, ['2/3', '3/3']);
});

test('who asks again while pages come waits for the same', async () => {
  const { link, history, page } = library();
  link.acks.GET_FULL_CONTEXT = { updateId: 'u1', total: 1 };
  const [one, other] = [history.readAll(() => {}), history.readAll(() => {})];
  await settled();
  page('u1', [1], true);
  await Promise.all([one, other]);

  assert.equal(link.questions('GET_FULL_CONTEXT').length, 1);
});

test('a reading that the connection interrupts fails, and can be begun again', async () => {
  const { link, transcript, history, page } = library();
  link.acks.GET_FULL_CONTEXT = { updateId: 'u1', total: 2 };
  const broken = history.readAll(() => {});
  await settled();
  page('u1', [1]);
  history.interrupt();
  await assert.rejects(broken, { code: 11 });
  link.acks.GET_FULL_CONTEXT = { updateId: 'u2', total: 2 };
  const whole = history.readAll(() => {});
  await settled();
  page('u2', [1, 2], true);
  await whole;

  assert.equal(transcript.complete, true);
  assert.equal(transcript.size, 2);
});

test('a refusal of the broker is handed on', async () => {
  const { link, history } = library();
  link.acks.GET_FULL_CONTEXT = refusal(10429, 'four histories already');

  await assert.rejects(history.readAll(() => {}), { code: 10429 });
  await assert.rejects(history.readNewest(), { code: 10429 });
});
