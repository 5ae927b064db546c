/**
 * The names that rooms and their chat say on the wire, once.
 *
 * Owns no state. What each is for stands in docs/protocol.md, sections 4 to 10.
 */

export const EVENT = Object.freeze({
  ADD_CLIENT_TO_ROOM: 'ADD_CLIENT_TO_ROOM',
  CANCEL_REQUEST: 'CANCEL_REQUEST',
  CLEAR_MESSAGES: 'CLEAR_MESSAGES',
  CREATE_ROOM: 'CREATE_ROOM',
  DELETE_MESSAGE: 'DELETE_MESSAGE',
  DELETE_ROOM: 'DELETE_ROOM',
  EDIT_MESSAGE: 'EDIT_MESSAGE',
  GET_CLIENTS_IN_ROOM: 'GET_CLIENTS_IN_ROOM',
  GET_FULL_CONTEXT: 'GET_FULL_CONTEXT',
  GET_ROOMS: 'GET_ROOMS',
  JOIN_ROOM: 'JOIN_ROOM',
  KICK_MEMBER: 'KICK_MEMBER',
  LEAVE_ROOM: 'LEAVE_ROOM',
  LLM_REQUEST: 'LLM_REQUEST',
  MEMBER_JOINED: 'MEMBER_JOINED',
  MEMBER_LEFT: 'MEMBER_LEFT',
  MEMBER_MUTED: 'MEMBER_MUTED',
  MEMBER_ROLE_CHANGED: 'MEMBER_ROLE_CHANGED',
  MEMBER_STATUS_UPDATE: 'MEMBER_STATUS_UPDATE',
  MEMBER_UNMUTED: 'MEMBER_UNMUTED',
  MESSAGE: 'message',
  MESSAGE_UPDATED: 'MESSAGE_UPDATED',
  MESSAGES_CLEARED: 'MESSAGES_CLEARED',
  MESSAGES_DELETED: 'MESSAGES_DELETED',
  MUTE_MEMBER: 'MUTE_MEMBER',
  NEW_MESSAGE: 'NEW_MESSAGE',
  REMOVE_CLIENT_FROM_ROOM: 'REMOVE_CLIENT_FROM_ROOM',
  REQUEST_STATUS_UPDATE: 'REQUEST_STATUS_UPDATE',
  RESUME_STREAM: 'RESUME_STREAM',
  ROOM_MODE_CHANGED: 'ROOM_MODE_CHANGED',
  SET_MEMBER_ROLE: 'SET_MEMBER_ROLE',
  SET_ROOM_MODE: 'SET_ROOM_MESSAGE_REQUEST_MODE',
  STREAM_DATA: 'streamed_data',
  STREAM_END: 'streamed_end',
  UNMUTE_MEMBER: 'UNMUTE_MEMBER',
  UPDATE_CONTEXT: 'UPDATE_CONTEXT',
  UPDATE_CONTEXT_PAGE: 'UPDATE_CONTEXT_PAGE',
});

export const ROOM_CODE = Object.freeze({
  ROOM_NOT_FOUND: 302,
  NOT_A_MEMBER: 303,
  ALREADY_IN_ROOM: 304,
});

/** What a request can end as; each accepted one gets exactly one of these, last. */
export const TERMINAL = new Set(['completed', 'recorded', 'failed', 'cancelled', 'timeout']);

export const MODES = Object.freeze([
  'Default',
  'Immediate',
  'MasterOnly',
  'Separate',
  'Conversational',
]);

export const ROLES = Object.freeze(['guest', 'special', 'manager', 'master']);
