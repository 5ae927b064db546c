/**
 * The names that the console and the broker say to each other, once.
 *
 * Owns no state. What each is for stands in docs/protocol.md.
 */

export const NAMESPACE = Object.freeze({
  AUTH: '/auth',
  CLIENTS: '/clients',
  DEBUG: '/debug',
  FUNCTION_CALL: '/function_call',
  LLM: '/llm',
  ROOMS: '/rooms',
});

/** Those of the core; views say those that only they need. */
export const EVENT = Object.freeze({
  CLIENT_DISCONNECTED: 'CLIENT_DISCONNECTED',
  GET_CLIENT_KEY: 'GET_CLIENT_KEY',
  HOUSE_UPDATE: 'HOUSE_UPDATE',
  WARNING: 'WARNING',
  WATCH_HOUSE: 'WATCH_HOUSE',
});

export const CODE = Object.freeze({
  INVALID_PARAMETER: 3,
  AUTHENTICATION_FAILED: 5,
  AUTHORISATION_FAILED: 6,
  NOT_FOUND: 7,
  TIMEOUT: 8,
  UNAVAILABLE: 9,
  CLIENT_DISCONNECTED: 11,
});

export const CLIENT_TYPE = 'monitor';
export const ASK_FOR_KEY = 'getKey';
