/**
 * A room's history as a file: everything as JSON, or a chat that SillyTavern imports.
 *
 * Pure: messages in, text out.
 */

import { textOf } from './transcript.js';

/** All there is to know of each message. */
export function asJson(room, messages, now = new Date()) {
  const file = { roomName: room, exportedAt: now.toISOString(), messages };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/**
 * SillyTavern's chat: a line about the chat, then one for each message. The broker's own
 * words are no part of it.
 */
export function asChat(room, messages) {
  const said = messages.filter(({ isSystem }) => !isSystem);
  const name = (isUser) => said.find(({ fromLlm }) => !fromLlm === isUser)?.identity;
  const header = {
    user_name: name(true) ?? 'User',
    character_name: name(false) ?? 'Assistant',
    create_date: said[0]?.timestamp ?? new Date(0).toISOString(),
    chat_metadata: { tapster: { roomName: room } },
  };
  return [header, ...said.map(line)].map((each) => JSON.stringify(each)).join('\n');
}

/** A name of a file that every system takes, whatever the room is called. */
export function fileName(room, ending, now = new Date()) {
  const plain = room.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '');
  const day = now.toISOString().slice(0, 10);
  return `${plain.slice(0, 64) || 'room'}-${day}.${ending}`;
}

function line(message) {
  const { identity, clientId, fromLlm, timestamp, messageId, requestId } = message;
  return {
    name: identity,
    is_user: !fromLlm,
    is_system: false,
    send_date: timestamp,
    mes: textOf(message),
    extra: { tapster: { messageId, clientId, requestId } },
  };
}
