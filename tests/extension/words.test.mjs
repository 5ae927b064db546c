// What is pure: texts in, texts out.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Deltas } from '../../extension/deltas.js';
import { llmError, TavernError } from '../../extension/errors.js';
import { hasMacros, withoutMacros } from '../../extension/macros.js';
import { brokerAddress, clientIdOf, randomSuffix } from '../../extension/naming.js';
import { messagesOf, regenerates, textOf, wayOf } from '../../extension/request.js';
import { DEFAULTS, settingsIn } from '../../extension/settings.js';
import { LANGUAGES, textsIn } from '../../extension/texts.js';
import { listenToErrors } from '../../extension/toasts.js';

test('of cumulative text only what is new is passed on', () => {
  const deltas = new Deltas();
  const news = ['', 'One', 'One ale', 'One ale', 'One ale.'].map((text) => deltas.next(text));

  assert.deepEqual(news, ['', 'One', ' ale', '', '.']);
  assert.equal(deltas.sent, 'One ale.');
});

test('half a character waits for the other half', () => {
  const deltas = new Deltas();
  const [high, low] = '🍺'.split('');

  assert.equal(deltas.next(`a${high}`), 'a');
  assert.equal(deltas.next(`a${high}${low}`), '🍺');
});

test('text that changed behind what was passed on waits for the end', () => {
  const deltas = new Deltas();
  deltas.next('Ann: an ale');

  assert.equal(deltas.next('an ale, please'), '');
  assert.equal(deltas.sent, 'Ann: an ale');
});

test('the messages of a group are one answer, with a gap between them', () => {
  const deltas = new Deltas();

  assert.equal(deltas.turnPage(), '');
  deltas.next('Ann speaks.');
  assert.equal(deltas.turnPage(), '\n\n');
  assert.equal(deltas.next('Ben speaks.'), 'Ben speaks.');
  assert.equal(deltas.sent, 'Ann speaks.\n\nBen speaks.');
});

for (const text of ['{{user}}', '{{{char}}}', 'a {{setvar::a::b}} b', '<USER> <bot>', '{{//x}}']) {
  test(`${text} is no macro any more, and reads the same`, () => {
    const safe = withoutMacros(text);

    assert.ok(hasMacros(text));
    assert.ok(!safe.includes('{{'));
    assert.doesNotMatch(safe, /<(user|bot|char|group|charifnotgroup)>/i);
    assert.equal(safe.replaceAll('\u2060', ''), text);
    assert.equal(withoutMacros(safe), safe);
  });
}

test('text without macros is left as it is', () => {
  const text = 'f(x) { return {a: 1}; } <b>bold</b> 一杯 🍺';

  assert.equal(withoutMacros(text), text);
  assert.ok(!hasMacros(text));
});

test('the clientId is made of the port', () => {
  assert.equal(clientIdOf({ protocol: 'http:', port: '8000' }), 'SillyTavern-8000');
  assert.equal(clientIdOf({ protocol: 'https:', port: '' }), 'SillyTavern-443');
  assert.equal(clientIdOf({ protocol: 'http:', port: '8000' }, 'a1'), 'SillyTavern-8000-a1');
  assert.match(randomSuffix(), /^[0-9a-f]{6}$/);
});

test('an address may be typed as people do', () => {
  const plain = { url: 'http://localhost:4000', path: '/socket.io' };

  assert.deepEqual(brokerAddress(' localhost:4000 '), plain);
  assert.deepEqual(brokerAddress('http://localhost:4000/'), plain);
  assert.deepEqual(brokerAddress('https://pub.example/tap/'), {
    url: 'https://pub.example',
    path: '/tap',
  });
  assert.throws(() => brokerAddress('ftp://pub'), TypeError);
  assert.throws(() => brokerAddress(''), TypeError);
});

test("an LLM's failure has its own words and a code of its kind", () => {
  const failed = llmError(new Error('Got response status 500'), 'The barrel is empty');

  assert.deepEqual([failed.message, failed.code], ['The barrel is empty', 10500]);
  assert.equal(llmError(new Error('Got response status 403')).code, 10403);
  assert.equal(llmError({ error: { message: 'No key' } }).message, 'No key');
  assert.equal(llmError('Clicked').code, 10401);
  assert.match(llmError(undefined).message, /no answer/);
  const ours = new TavernError('no chat is open', 10503);
  assert.equal(llmError(ours, 'a toast'), ours);
});

test('a request with messages leaves the chat alone', () => {
  assert.equal(wayOf({ message: 'Hi' }), 'chat');
  assert.equal(wayOf({ message: 'Hi', messages: [] }), 'messages');
  assert.equal(wayOf({ type: 'THINK_REQUEST', message: '' }), 'messages');
  assert.ok(regenerates({ requestType: 'regenerateMessage' }));
});

test('the text of a request is its message, or the prompt of its data', () => {
  assert.equal(textOf({ message: 'Hi' }), 'Hi');
  assert.equal(textOf({ data: { prompt: 'Hi' } }), 'Hi');
  assert.equal(textOf({ data: 'Hi' }), 'Hi');
  assert.equal(textOf({ data: { mood: 1 } }), '{"mood":1}');
});

test('who is asked to join in gets what the room has said', () => {
  const context = [{ message: 'An ale!' }, { fromLlm: true, data: 'Here.' }];

  assert.deepEqual(messagesOf({ context }), [
    { role: 'user', content: 'An ale!' },
    { role: 'assistant', content: 'Here.' },
  ]);
  assert.throws(() => messagesOf({ messages: [{ role: 'user' }] }), { code: 3 });
});

test('settings keep what was decided and fill in the rest', () => {
  const all = { tapster: { address: 'x', allow: { macros: true } } };
  const ours = settingsIn(all);

  assert.equal(ours.address, 'x');
  assert.equal(ours.allow.macros, true);
  assert.equal(ours.allow.chat, true);
  assert.equal(ours.instance, settingsIn(all).instance);
  ours.slashCommands.push('x');
  assert.deepEqual(DEFAULTS.slashCommands, ['echo']);
});

test('what could do harm is off until the user allows it', () => {
  const { macros, slashCommands, editChat } = settingsIn({}).allow;

  assert.deepEqual([macros, slashCommands, editChat], [false, false, false]);
});

test('both languages say the same things', () => {
  assert.deepEqual(Object.keys(LANGUAGES.zh), Object.keys(LANGUAGES.en));
  for (const [name, text] of Object.entries(LANGUAGES.en)) {
    const facts = (words) => words.match(/\{\w+\}/g)?.sort();
    assert.deepEqual(facts(LANGUAGES.zh[name]), facts(text), name);
  }
  assert.equal(textsIn('zh-cn')('connect'), '连接');
  assert.equal(textsIn('de-de')('online', { clientId: 'X' }), 'Connected as X');
  assert.match(textsIn('en')('macros'), /\{\{user\}\}/);
});

test('what SillyTavern shows of errors is overheard and shown all the same', () => {
  const shown = [];
  const toasts = { error: (...args) => shown.push(args) };
  const { error } = toasts;
  const ear = listenToErrors(toasts);
  toasts.error('The barrel is empty', 'API');
  ear.stop();
  toasts.error('later');

  assert.deepEqual(ear.last, { message: 'The barrel is empty', title: 'API' });
  assert.deepEqual(shown, [['The barrel is empty', 'API'], ['later']]);
  assert.equal(toasts.error, error);
});
