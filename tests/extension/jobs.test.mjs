// Requests from their coming to their end, and both ways of answering them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answerFromMessages } from '../../extension/from_messages.js';
import { answerInChat } from '../../extension/in_chat.js';
import { Jobs } from '../../extension/jobs.js';
import { FakeAnswer, FakePort, FakeTavern } from './fakes.mjs';

const MESSAGES = [{ role: 'user', content: 'An ale for {{user}}.' }];

/** Come back when all that can happen by itself has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

function pub() {
  const port = new FakePort();
  const tavern = new FakeTavern();
  const runners = {
    chat: (...job) => answerInChat(tavern, ...job),
    messages: (...job) => answerFromMessages(tavern, ...job),
  };
  const jobs = new Jobs({ port, runners, allow: () => tavern.settings.allow });
  return { port, tavern, jobs };
}

function order(fields = {}) {
  return { requestId: 'r1', requestingIdentity: 'ann', message: 'An ale, please.', ...fields };
}

/** A generation that goes on until it is stopped. */
function endless(first) {
  return (tavern) =>
    new Promise((resolve) => {
      tavern.emit('STREAM_TOKEN_RECEIVED', first);
      tavern.on('GENERATION_STOPPED', () => {
        tavern.chat.push({ mes: first });
        tavern.emit('MESSAGE_RECEIVED', tavern.chat.length - 1, 'normal');
        resolve(first);
      });
    });
}

test('an answer in the chat is said as it comes and ends as SillyTavern has it', async () => {
  const { port, tavern, jobs } = pub();
  tavern.script = () => tavern.stream(['', 'Here', 'Here you are. '], 'Here you are.');
  jobs.take(order());
  await settled();

  assert.equal(tavern.chat[1].mes, 'An ale, please.');
  assert.equal(port.text, 'Here you are. ');
  assert.equal(port.of('CLIENT_STREAM_END')[0].finalText, 'Here you are.');
  assert.deepEqual(jobs.running, ['r1']);
  port.acknowledge();
  assert.deepEqual(jobs.running, []);
  assert.equal(jobs.recent[0].state, 'completed');
});

test('without streaming the answer comes in one piece', async () => {
  const { port, tavern, jobs } = pub();
  tavern.script = () => tavern.stream([], 'One ale.');
  jobs.take(order());
  await settled();

  assert.equal(port.text, 'One ale.');
  assert.equal(port.of('CLIENT_STREAM_END')[0].finalText, undefined);
});

test('macros in remote text are not left for SillyTavern', async () => {
  const { tavern, jobs } = pub();
  tavern.script = () => tavern.stream(['Well.']);
  jobs.take(order({ message: '{{setvar::a::b}}' }));
  await settled();
  tavern.settings.allow.macros = true;
  jobs.take(order({ requestId: 'r2', message: '{{user}}' }));
  await settled();

  assert.ok(!tavern.chat[1].mes.includes('{{'));
  assert.equal(tavern.chat[3].mes, '{{user}}');
});

test('regenerating says nothing for the user', async () => {
  const { tavern, jobs, port } = pub();
  tavern.script = () => tavern.stream(['Stout.']);
  jobs.take(order({ requestType: 'regenerateMessage' }));
  await settled();

  assert.equal(port.text, 'Stout.');
  assert.ok(!tavern.chat.some(({ is_user: isUser }) => isUser));
});

test('the chat takes one request at a time', async () => {
  const { port, tavern, jobs } = pub();
  tavern.script = endless('First');
  jobs.take(order());
  jobs.take(order({ requestId: 'r2', message: 'Second!' }));
  await settled();

  assert.deepEqual(jobs.recent.map(({ state }) => state), ['waiting', 'running']);
  tavern.script = () => tavern.stream(['Two.']);
  jobs.cancel('r1');
  await settled();
  assert.equal(port.of('CLIENT_STREAM_END').length, 1);
  assert.equal(jobs.recent[0].state, 'completed');
});

test('what the broker cancels is stopped in SillyTavern and not answered', async () => {
  const { port, tavern, jobs } = pub();
  tavern.script = endless('Half');
  jobs.take(order());
  await settled();
  jobs.cancel('r1');
  await settled();

  assert.equal(tavern.stops, 1);
  assert.equal(tavern.restored, 1);
  assert.equal(tavern.listeners(), 1); // the test's own
  assert.deepEqual(port.of('CLIENT_STREAM_END'), []);
  assert.equal(jobs.recent[0].state, 'cancelled');
});

test('what is cancelled before SillyTavern can be stopped is stopped when it can', async () => {
  const { tavern, jobs } = pub();
  let begin;
  tavern.script = () =>
    new Promise((_, reject) => {
      begin = () => {
        tavern.emit('GENERATION_AFTER_COMMANDS');
        reject(new Error('Generation was aborted.'));
      };
    });
  jobs.take(order());
  await settled();
  jobs.cancel('r1');
  begin();
  await settled();

  assert.equal(tavern.stops, 2);
  assert.equal(jobs.recent[0].state, 'cancelled');
});

test("the user's Stop cancels the request at the broker", async () => {
  const { port, tavern, jobs } = pub();
  tavern.script = endless('Half');
  jobs.take(order());
  await settled();
  tavern.stop();
  await settled();

  assert.equal(port.text, 'Half');
  assert.deepEqual(port.of('CANCEL_REQUEST'), [{ requestId: 'r1' }]);
  assert.deepEqual(port.of('CLIENT_STREAM_END'), []);
});

test("an LLM's refusal ends the request in the words that were shown", async () => {
  const { port, tavern, jobs } = pub();
  globalThis.toastr = { error() {} };
  tavern.script = async () => {
    globalThis.toastr.error('The barrel is empty', 'Chat Completion API');
    throw new Error('Got response status 500');
  };
  jobs.take(order());
  await settled();
  delete globalThis.toastr;

  const error = { requestId: 'r1', message: 'The barrel is empty', code: 10500 };
  assert.deepEqual(port.of('ERROR'), [error]);
});

test('a generation that comes to nothing is a failure', async () => {
  const { port, tavern, jobs } = pub();
  tavern.script = async () => undefined;
  jobs.take(order());
  await settled();

  assert.equal(port.of('ERROR')[0].code, 10401);
});

test('what other extensions generate in between is no part of the answer', async () => {
  const { port, tavern, jobs } = pub();
  tavern.script = async () => {
    tavern.emit('STREAM_TOKEN_RECEIVED', 'An');
    tavern.emit('GENERATION_STARTED', 'quiet', {}, false);
    tavern.emit('GENERATION_STARTED', 'normal', {}, true);
    tavern.emit('STREAM_TOKEN_RECEIVED', 'An ale.');
    tavern.chat.push({ mes: 'An ale.' });
    tavern.emit('MESSAGE_RECEIVED', tavern.chat.length - 1, 'normal');
    return 'An ale.';
  };
  jobs.take(order());
  await settled();

  assert.equal(port.text, 'An ale.');
  assert.equal(port.of('CLIENT_STREAM_END').length, 1);
});

test('all that speak in a group are one answer', async () => {
  const { port, tavern, jobs } = pub();
  tavern.script = async () => {
    await tavern.stream(['Ann', 'Ann speaks.']);
    return tavern.stream(['Ben', 'Ben speaks. '], 'Ben speaks.');
  };
  jobs.take(order());
  await settled();

  assert.equal(port.text, 'Ann speaks.\n\nBen speaks. ');
  assert.equal(port.of('CLIENT_STREAM_END')[0].finalText, 'Ann speaks.\n\nBen speaks.');
});

test('an answer from messages streams and leaves the chat alone', async () => {
  const { port, tavern, jobs } = pub();
  let asked;
  tavern.streamChat = async (messages) => {
    asked = messages;
    return async function* stream() {
      yield { text: 'Coming' };
      yield { text: 'Coming.' };
    };
  };
  jobs.take(order({ messages: MESSAGES }));
  await settled();

  assert.equal(port.text, 'Coming.');
  assert.deepEqual(asked, MESSAGES);
  assert.equal(tavern.chat.length, 1);
});

test('what becomes one text has its macros parted; other APIs give all at once', async () => {
  const { port, tavern, jobs } = pub();
  tavern.api = 'novel';
  let asked;
  tavern.completeRaw = async (messages) => {
    asked = messages;
    return 'An ale.';
  };
  jobs.take(order({ messages: MESSAGES }));
  await settled();

  assert.equal(port.text, 'An ale.');
  assert.ok(!asked[0].content.includes('{{'));
});

test('what the user does not allow is refused', async () => {
  const { port, tavern, jobs } = pub();
  tavern.settings.allow.chat = false;
  tavern.settings.allow.messages = false;
  jobs.take(order());
  jobs.take(order({ requestId: 'r2', messages: MESSAGES }));
  await settled();

  assert.deepEqual(port.of('ERROR').map(({ code }) => code), [6, 6]);
});

test('the same request is taken once', async () => {
  const { port, tavern, jobs } = pub();
  tavern.script = () => tavern.stream(['One.']);
  jobs.take(order());
  jobs.take(order());
  await settled();

  assert.equal(port.of('CLIENT_STREAM_START').length, 1);
});

test('who takes this SillyTavern over ends all that runs', async () => {
  const { port, tavern, jobs } = pub();
  tavern.script = endless('Half');
  jobs.take(order());
  await settled();
  jobs.dropAll();
  await settled();

  assert.deepEqual(jobs.running, []);
  assert.equal(tavern.stops, 1);
  assert.deepEqual(port.of('CANCEL_REQUEST'), []);
});

test('an answer writes to nobody but its reader', async () => {
  const tavern = new FakeTavern();
  const answer = new FakeAnswer();
  tavern.script = () => tavern.stream(['One.']);
  const { signal } = new AbortController();
  const text = await answerInChat(tavern, order(), answer, signal);
  tavern.emit('STREAM_TOKEN_RECEIVED', "the user's own");

  assert.equal(text, 'One.');
  assert.equal(answer.text, 'One.');
  assert.equal(tavern.listeners(), 0);
});
