// A room's history as files.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { asChat, asJson, fileName } from '../../web/app/chat_export.js';

const NOW = new Date('2026-11-21T10:00:00Z');
const MESSAGES = [
  { messageId: 'm0', identity: 'ann', timestamp: 't0', isSystem: true, message: 'ann came in' },
  {
    messageId: 'm1', identity: 'ann', clientId: 'my-app', timestamp: 't1', fromClient: true,
    requestId: 'r1', message: 'An "ale"\nplease',
  },
  {
    messageId: 'm2', identity: 'SillyTavern-8000', clientId: 'SillyTavern-8000', timestamp: 't2',
    fromLlm: true, requestId: 'r1', data: 'Here.',
  },
];

test('the JSON has every message as the broker has it', () => {
  const file = JSON.parse(asJson('lobby', MESSAGES, NOW));

  assert.deepEqual(file.messages, MESSAGES);
  assert.equal(file.roomName, 'lobby');
});

test('the chat has the lines that SillyTavern writes, without the words of the broker', () => {
  const lines = asChat('lobby', MESSAGES).split('\n').map((line) => JSON.parse(line));

  assert.deepEqual(lines[0], {
    user_name: 'ann',
    character_name: 'SillyTavern-8000',
    create_date: 't1',
    chat_metadata: { tapster: { roomName: 'lobby' } },
  });
  assert.deepEqual(lines[1], {
    name: 'ann', is_user: true, is_system: false, send_date: 't1', mes: 'An "ale"\nplease',
    extra: { tapster: { messageId: 'm1', clientId: 'my-app', requestId: 'r1' } },
  });
  assert.equal(lines[2].is_user, false);
  assert.equal(lines[2].mes, 'Here.');
  assert.equal(lines.length, 3);
});

test('an empty room is a chat with its first line alone', () => {
  const [header, ...others] = asChat('lobby', []).split('\n');

  assert.equal(JSON.parse(header).user_name, 'User');
  assert.deepEqual(others, []);
});

test('a file has a plain name, whatever the room is called', () => {
  assert.equal(fileName('lobby', 'json', NOW), 'lobby-2026-11-21.json');
  assert.equal(fileName('../../etc/passwd', 'json', NOW), 'etc-passwd-2026-11-21.json');
  assert.equal(fileName('酒馆 一', 'jsonl', NOW), '酒馆-一-2026-11-21.jsonl');
  assert.equal(fileName('<>:"|?*', 'json', NOW), 'room-2026-11-21.json');
});
