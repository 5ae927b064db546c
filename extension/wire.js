/**
 * Every name and number that this extension and the broker say to each other, once.
 *
 * Owns no state. No other file of the extension may spell an event or a namespace;
 * what each is for stands in the broker's docs/protocol.md.
 */

export const NAMESPACE = Object.freeze({
  AUTH: '/auth',
  LLM: '/llm',
  FUNCTION_CALL: '/function_call',
  SILLY_TAVERN: '/sillytavern',
});

export const EVENT = Object.freeze({
  CANCEL_REQUEST: 'CANCEL_REQUEST',
  CHARACTERS_UPDATED: 'CHARACTERS_UPDATED',
  CLIENT_DISCONNECTED: 'CLIENT_DISCONNECTED',
  CLIENT_SETTINGS: 'CLIENT_SETTINGS',
  ERROR: 'ERROR',
  FUNCTION_CALL: 'FUNCTION_CALL',
  GET_SILLYTAVERN_EXTENSION: 'GET_SILLYTAVERN_EXTENSION',
  IDENTIFY_SILLYTAVERN: 'IDENTIFY_SILLYTAVERN',
  LLM_REQUEST: 'LLM_REQUEST',
  LOGIN: 'LOGIN',
  SILLYTAVERN_EVENT: 'SILLYTAVERN_EVENT',
  STREAM_DATA_FIRST: 'CLIENT_STREAM_DATA_FIRST',
  STREAM_DATA_MIDDLE: 'CLIENT_STREAM_DATA_MIDDLE',
  STREAM_DATA_RETRY: 'CLIENT_STREAM_DATA_RETRY',
  STREAM_END: 'CLIENT_STREAM_END',
  STREAM_START: 'CLIENT_STREAM_START',
  SUBSCRIBE_EVENTS: 'SUBSCRIBE_EVENTS',
  WARNING: 'WARNING',
});

/** The `type` of each event of a stream. */
export const TYPE = Object.freeze({
  [EVENT.STREAM_START]: 1,
  [EVENT.STREAM_END]: 3,
  [EVENT.STREAM_DATA_FIRST]: 4,
  [EVENT.STREAM_DATA_MIDDLE]: 5,
  [EVENT.STREAM_DATA_RETRY]: 7,
});

export const CODE = Object.freeze({
  INVALID_PARAMETER: 3,
  INVALID_REQUEST: 4,
  AUTHENTICATION_FAILED: 5,
  AUTHORISATION_FAILED: 6,
  NOT_FOUND: 7,
  TIMEOUT: 8,
  UNAVAILABLE: 9,
  CLIENT_DISCONNECTED: 11,
  FUNCTION_NOT_FOUND: 501,
  FUNCTION_FAILED: 502,
  INVALID_ARGUMENTS: 503,
  LLM_REQUEST_FAILED: 10401,
  LLM_REFUSED: 10403,
  TOO_MANY_REQUESTS: 10429,
  LLM_SERVER_ERROR: 10500,
  NO_LLM_AVAILABLE: 10503,
});

export const CLIENT_TYPE = 'SillyTavern';
export const ASK_FOR_KEY = 'getKey';
export const SERVER = 'server';
export const READ_JSON = 'readJsonFromFile';
export const SERVER_SETTINGS = './settings/server_settings.json';
export const REGENERATE = 'regenerateMessage';
export const THINK_REQUEST = 'THINK_REQUEST';
