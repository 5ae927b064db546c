// A chat with a broker that the test plays.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Chat } from '../../web/app/chat.js';
import { FakeLink, refusal, settled } from './fake_link.js';

const ROOM = 'lobby';

function tavern({ joined = true } = {}) {
  const link = new FakeLink();
  link.acks.GET_FULL_CONTEXT = { total: 0 };
  link.acks.LLM_REQUEST = ({ requestId }) => ({ requestId, state: 'sent' });
  const chat = new Chat({ link, room: ROOM });
  chat.open({ joined });
  const llm = (event, data) => link.hear('/llm', event, { roomName: ROOM, ...data });
  return {
    link,
    chat,
    llm,
    chunk: (data, index, more = {}) =>
      link.hear('/llm', 'streamed_data', { outputId: 'o1', requestId: 'r1', data, index, ...more }),
    end: (chunks, more = {}) =>
      link.hear('/llm', 'streamed_end', {
        outputId: 'o1', requestId: 'r1', status: 'completed', chunks, ...more,
      }),
    ordered: () =>
      llm('NEW_MESSAGE', {
        message: { messageId: 'm1', fromClient: true, requestId: 'r1', identity: 'ann', message: 'An ale?' },
      }),
    answered: (more = {}) =>
      llm('NEW_MESSAGE', {
        message: { messageId: 'm2', fromLlm: true, requestId: 'r1', outputId: 'o1', streamed: true, ...more },
      }),
  };
}

const texts = (chat) => [...chat.answers].map(({ text }) => text);
const own = (chat) => [...chat.requests.values()][0];

test('an order goes out with an id of its own, and its statuses are heard', async () => {
  const { link, chat, llm } = tavern();
  const { requestId } = await chat.order('An ale, please', { target: 'SillyTavern-8000' });
  llm('REQUEST_STATUS_UPDATE', { requestId, status: 'queued', position: 2 });

  const [order] = link.questions('LLM_REQUEST');
  assert.deepEqual(order, {
    requestId, targetRoom: ROOM, message: 'An ale, please', target: 'SillyTavern-8000',
  });
  assert.equal(own(chat).status, 'queued');
  assert.equal(own(chat).position, 2);
});

test('a status that came before the ack is newer than the ack', async () => {
  const { link, chat, llm } = tavern();
  link.acks.LLM_REQUEST = ({ requestId }) => {
    llm('REQUEST_STATUS_UPDATE', { requestId, status: 'streaming' });
    return { requestId, state: 'sent' };
  };
  await chat.order('An ale');

  assert.equal(own(chat).status, 'streaming');
});

test('an order that the broker refuses leaves nothing behind', async () => {
  const { link, chat } = tavern();
  link.acks.LLM_REQUEST = refusal(10503, 'no SillyTavern is connected');

  await assert.rejects(chat.order('An ale'), { code: 10503 });
  assert.equal(chat.requests.size, 0);
});

test('the warning of an order is handed on', async () => {
  const { link, chat } = tavern();
  link.acks.LLM_REQUEST = ({ requestId }) => ({ requestId, state: 'recorded', warning: 'kept' });

  assert.equal((await chat.order('An ale')).warning, 'kept');
});

test('an order whose ack was lost is not sent again where the broker has it', async () => {
  const { link, chat } = tavern();
  link.acks.LLM_REQUEST = refusal(11, 'lost');
  link.acks.RESUME_STREAM = { state: 'streaming', outputs: [] };
  await chat.order('An ale');

  assert.equal(link.questions('LLM_REQUEST').length, 1);
  assert.equal(own(chat).status, 'streaming');
});

test('an order whose ack was lost waits for the connection, and goes out again if it never arrived', async () => {
  const { link, chat } = tavern();
  link.acks.RESUME_STREAM = refusal(7);
  link.acks.LLM_REQUEST = () => {
    link.acks.LLM_REQUEST = ({ requestId }) => ({ requestId, state: 'sent' });
    link.become('offline');
    return refusal(11, 'lost');
  };
  const ordered = chat.order('An ale');
  await settled();
  assert.equal(link.questions('RESUME_STREAM').length, 0);
  link.become('online');
  await ordered;

  const [first, again] = link.questions('LLM_REQUEST');
  assert.equal(first.requestId, again.requestId);
  assert.equal(own(chat).status, 'sent');
});

test('an answer is read as it comes, and the history has it in the end', () => {
  const { chat, chunk, end, ordered, answered } = tavern();
  ordered();
  chunk('An ', 0);
  chunk('ale.', 1);
  assert.deepEqual(texts(chat), ['An ale.']);
  end(2);
  answered();

  assert.deepEqual(texts(chat), []);
  assert.equal(chat.transcript.find('m2').data, 'An ale.');
});

test('chunks that are missing are asked for from the next index on', async () => {
  const { link, chat, chunk, ordered } = tavern();
  ordered();
  chunk('An ', 0);
  link.acks.RESUME_STREAM = {
    state: 'streaming',
    outputs: [{ outputId: 'o1', next: 3, text: 'ale, now', done: false }],
  };
  chunk(' or never', 3);
  await settled();

  const [question] = link.questions('RESUME_STREAM');
  assert.deepEqual(question, { requestId: 'r1', roomName: ROOM, from: { o1: 1 } });
  assert.deepEqual(texts(chat), ['An ale, now or never']);
});

test('after a lost connection an answer goes on where it stopped', async () => {
  const { link, chat, chunk, end, ordered } = tavern();
  ordered();
  chunk('An ', 0);
  link.become('offline');
  link.acks.RESUME_STREAM = {
    state: 'streaming',
    outputs: [{ outputId: 'o1', next: 2, text: 'ale', done: false }],
  };
  link.become('online');
  await settled();
  chunk('ale', 1);
  chunk('!', 2);
  end(3);

  assert.deepEqual(texts(chat), ['An ale!']);
  assert.equal(link.questions('JOIN_ROOM').length, 1);
});

test('an answer that ended while we were away comes with the history', async () => {
  const { link, chat, chunk, ordered } = tavern();
  ordered();
  chunk('An ', 0);
  link.become('offline');
  link.acks.RESUME_STREAM = {
    state: 'completed',
    outputs: [{ outputId: 'o1', next: 2, text: 'ale', done: true }],
  };
  link.acks.GET_FULL_CONTEXT = () => {
    const context = [{ messageId: 'm2', fromLlm: true, requestId: 'r1', outputId: 'o1', data: 'An ale' }];
    link.hear('/llm', 'UPDATE_CONTEXT', { roomName: ROOM, context });
    return { total: 1 };
  };
  link.become('online');
  await settled();

  assert.deepEqual(texts(chat), []);
  assert.equal(chat.transcript.find('m2').data, 'An ale');
});

test('a request that the broker has forgotten while we were away has failed', async () => {
  const { link, chat } = tavern();
  await chat.order('An ale');
  link.become('offline');
  link.acks.RESUME_STREAM = refusal(7, 'there is no such request');
  link.become('online');
  await settled();

  assert.equal(own(chat).status, 'failed');
  assert.equal(own(chat).error.message, 'there is no such request');
});

test('an answer that a crash of the broker broke off ends with what came of it', async () => {
  const { link, chat, chunk, ordered } = tavern();
  ordered();
  chunk('An ', 0);
  link.become('offline');
  const error = { message: 'the broker was restarted', code: 2 };
  link.acks.RESUME_STREAM = { state: 'failed', outputs: [], error };
  link.become('online');
  await settled();

  assert.deepEqual([...chat.answers].map(({ text, status }) => [text, status]), [['An ', 'failed']]);
  await chat.order('Again, please');
  assert.deepEqual(texts(chat), []);
});

test('who comes in while an answer is given reads it from its start', async () => {
  const { link, chat, chunk } = tavern();
  link.acks.RESUME_STREAM = {
    state: 'streaming',
    outputs: [{ outputId: 'o1', next: 6, text: 'An ale, ', done: false }],
  };
  chunk('please', 6);
  await settled();

  assert.deepEqual(texts(chat), ['An ale, please']);
});

test('what is answered in another room is not read, and asked about once', async () => {
  const { link, chat, chunk } = tavern();
  link.acks.RESUME_STREAM = refusal(7);
  chunk('An ', 0);
  await settled();
  chunk('ale', 1);
  await settled();

  assert.deepEqual(texts(chat), []);
  assert.equal(link.questions('RESUME_STREAM').length, 1);
});

test('the text of an answer that we have not read is fetched', async () => {
  const { link, chat, answered } = tavern();
  link.acks.RESUME_STREAM = {
    state: 'completed',
    outputs: [{ outputId: 'o1', next: 2, text: 'An al', done: true, finalText: 'An ale.' }],
  };
  answered();
  await settled();

  assert.equal(chat.transcript.find('m2').data, 'An ale.');
});

test('messages are edited, deleted and cleared as the broker tells', () => {
  const { chat, llm, ordered } = tavern();
  ordered();
  llm('MESSAGE_UPDATED', { message: { messageId: 'm1', fromClient: true, message: 'Two ales?' } });
  assert.equal(chat.transcript.find('m1').message, 'Two ales?');
  llm('MESSAGES_DELETED', { messageIds: ['m1'] });
  assert.equal(chat.transcript.size, 0);
  ordered();
  llm('MESSAGES_CLEARED', { clearedRequests: true, clearedResponses: true });

  assert.equal(chat.transcript.size, 0);
});

test('what another room is told is not ours', () => {
  const { link, chat } = tavern();
  link.hear('/llm', 'NEW_MESSAGE', { roomName: 'cellar', message: { messageId: 'm9' } });
  link.hear('/llm', 'REQUEST_STATUS_UPDATE', { roomName: 'cellar', requestId: 'r9', status: 'sent' });
  link.hear('/rooms', 'DELETE_ROOM', { roomName: 'cellar' });

  assert.equal(chat.transcript.size, 0);
  assert.equal(chat.requests.size, 0);
  assert.equal(chat.joined, true);
});

test('who is kicked is not in the room any more', () => {
  const { link, chat } = tavern();
  link.hear('/rooms', 'MEMBER_LEFT', { roomName: ROOM, identity: 'ann', reason: 'left' });
  assert.equal(chat.joined, true);
  link.hear('/rooms', 'MEMBER_LEFT', { roomName: ROOM, identity: 'console-1', reason: 'kicked' });

  assert.equal(chat.joined, false);
});

test('who comes in is in, also where they were before', async () => {
  const { link, chat } = tavern({ joined: false });
  link.acks.JOIN_ROOM = refusal(304, 'already in');
  await chat.enter();
  assert.equal(chat.joined, true);
  link.acks.JOIN_ROOM = refusal(303, 'not open');

  await assert.rejects(chat.enter(), { code: 303 });
});

test('what others do is known until they stop', () => {
  const { chat, llm } = tavern();
  llm('MEMBER_STATUS_UPDATE', { identity: 'ann', status: 'typing' });
  assert.deepEqual([...chat.people], [['ann', 'typing']]);
  llm('MEMBER_STATUS_UPDATE', { identity: 'ann', status: 'idle' });

  assert.equal(chat.people.size, 0);
});

test('a room that is gone after we were away is gone', async () => {
  const { link, chat } = tavern();
  let gone = 0;
  chat.addEventListener('gone', () => (gone += 1));
  link.become('offline');
  link.acks.JOIN_ROOM = refusal(302, 'no such room');
  link.become('online');
  await settled();

  assert.equal(gone, 1);
});

test('cancelling, editing and clearing name the room', async () => {
  const { link, chat } = tavern();
  await chat.cancel('r1');
  await chat.edit('m1', 'Two ales');
  await chat.remove('m1');
  await chat.clear({ clearRequests: true });

  assert.deepEqual(link.questions('CANCEL_REQUEST'), [{ roomName: ROOM, requestId: 'r1' }]);
  assert.deepEqual(link.questions('EDIT_MESSAGE'), [
    { roomName: ROOM, messageId: 'm1', updatedMessage: 'Two ales' },
  ]);
  assert.deepEqual(link.questions('DELETE_MESSAGE'), [{ roomName: ROOM, messageId: 'm1' }]);
  assert.deepEqual(link.questions('CLEAR_MESSAGES'), [{ roomName: ROOM, clearRequests: true }]);
});

test('a closed chat hears nothing more', () => {
  const { link, chat } = tavern();
  chat.close();

  assert.equal(link.listeners, 0);
});
