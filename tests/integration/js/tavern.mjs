// Those who come to the tavern: clients, and extensions that answer them.
//
// Everything speaks through the official socket.io-client. A peer is one Engine.IO
// connection with its namespaces; `play` runs the scenario that the command line
// names and prints what it returned.

import { Manager } from 'socket.io-client';

import { noteKeys } from './seen_keys.mjs';
import { Tap } from './tap.mjs';
import { pending, within } from './wait.mjs';

const ACK_TIMEOUT = 10_000;
const LEAVE_TIMEOUT = 1_000;
const SCENARIO_TIMEOUT = 20_000;

/** The statuses of which a request gets exactly one. */
export const TERMINAL = new Set([
  'completed',
  'recorded',
  'failed',
  'cancelled',
  'timeout',
]);

const peers = new Set();

/** A namespace that did not let us in; `data` is `{code, message}`. */
export class Refused extends Error {
  constructor(namespace, error) {
    super(`${namespace} refused: ${error.message}`);
    this.refusal = { message: error.message, data: error.data ?? null };
  }
}

/** One Engine.IO connection and the namespaces joined over it. */
export class Peer {
  #sockets = new Map();
  #taps = new Map();

  constructor(url, auth, options = {}) {
    this.auth = auth;
    this.manager = new Manager(url, {
      transports: ['websocket'],
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      ...options,
    });
    peers.add(this);
  }

  /** Make the namespace's socket, which connects by itself, and tap it. */
  socketOf(namespace) {
    if (!this.#sockets.has(namespace)) {
      const auth = (give) => give({ ...this.auth });
      const socket = this.manager.socket(namespace, { auth });
      this.#sockets.set(namespace, socket);
      this.#taps.set(namespace, new Tap(socket, `${this.auth.clientId}${namespace}`));
    }
    return this.#sockets.get(namespace);
  }

  /** Join a namespace; its socket, or `Refused`. */
  async join(namespace) {
    const socket = this.socketOf(namespace);
    const tap = this.tap(namespace);
    await tap.until(`${tap.name}: connect`, () => {
      if (socket.connected || tap.all('connect_error').length > 0) return true;
    });
    if (!socket.connected) throw new Refused(namespace, tap.all('connect_error')[0]);
    return socket;
  }

  tap(namespace = '/llm') {
    return this.#taps.get(namespace);
  }

  get llm() {
    return this.#sockets.get('/llm');
  }

  /** Emit and wait for the ack. */
  async ask(namespace, event, ...args) {
    const socket = this.#sockets.get(namespace);
    const what = `${this.auth.clientId}${namespace}: ack of ${event}`;
    const answer = await within(
      ACK_TIMEOUT,
      what,
      new Promise((resolve) => {
        socket.emit(event, ...args, resolve);
      }),
    );
    noteKeys(answer);
    return answer;
  }

  /** Send an `LLM_REQUEST`; its ack. */
  order(fields) {
    return this.ask('/llm', 'LLM_REQUEST', { message: 'One story, please.', ...fields });
  }

  /** Come back when the broker has handled all that was sent before. */
  barrier() {
    const question = { data: 'Connection active?', target: 'server' };
    return this.ask('/llm', 'message', question);
  }

  /** Lose the network: no close frame, no farewell, and no way back yet. */
  async cut() {
    this.manager.reconnection(false);
    const live = [...this.#sockets].filter(([, socket]) => socket.connected);
    const gone = live.map(([namespace]) => {
      const seen = this.tap(namespace).all('disconnect').length;
      return this.tap(namespace).first('disconnect', {}, seen + 1);
    });
    this.manager.engine.transport.ws.terminate();
    await Promise.all(gone);
  }

  /** Have the network again, and every namespace with it. */
  async restore() {
    this.manager.reconnection(true);
    for (const socket of this.#sockets.values()) socket.connect();
    for (const [namespace, socket] of this.#sockets) {
      const tap = this.tap(namespace);
      await tap.until(`${tap.name}: reconnect`, () => socket.connected || undefined);
    }
  }

  /** Say goodbye in every namespace, so that no grace time is kept for us. */
  async leave() {
    peers.delete(this);
    const live = [...this.#sockets.values()].filter((socket) => socket.connected);
    const gone = live.map(
      (socket) => new Promise((resolve) => socket.once('disconnect', resolve)),
    );
    for (const socket of live) socket.emit('CLIENT_DISCONNECTED');
    try {
      await within(LEAVE_TIMEOUT, 'leaving', Promise.all(gone));
    } finally {
      this.manager.reconnection(false);
      this.manager.engine?.close();
    }
  }
}

/** A client with a key, asked for in `/auth` unless given, in its namespaces. */
export async function connectClient(
  url,
  { namespaces = ['/llm'], ...auth },
  options = {},
) {
  const peer = new Peer(url, { clientType: 'web-app', key: 'getKey', ...auth }, options);
  if (peer.auth.key === 'getKey') {
    await peer.join('/auth');
    peer.auth.key = (await peer.tap('/auth').first('GET_CLIENT_KEY')).key;
  }
  for (const namespace of namespaces) await peer.join(namespace);
  return peer;
}

/**
 * A SillyTavern of our own: the key that IDENTIFY issues verifies both its sockets.
 *
 * `identify` is added to IDENTIFY_SILLYTAVERN; `behaviour(answer, request)` is called
 * for each request, and without it the scenario takes them from `requestOf`.
 */
export async function fakeExtension(url, { identify = {}, behaviour, ...auth }) {
  const peer = new Peer(url, { clientType: 'SillyTavern', key: 'getKey', ...auth });
  await peer.join('/sillytavern');
  await peer.join('/llm');
  peer.identify = (more = {}) =>
    peer.ask('/sillytavern', 'IDENTIFY_SILLYTAVERN', {
      clientId: auth.clientId,
      version: '1.0.0',
      ...identify,
      ...more,
    });
  peer.hello = await peer.identify();
  if (peer.hello.status === 'error') throw new Error(peer.hello.message);
  peer.auth.key = peer.hello.key ?? peer.auth.key;
  if (behaviour) {
    peer.llm.on('LLM_REQUEST', (request) => behaviour(new Answer(peer, request), request));
  }
  return peer;
}

/** The `count`th request an extension got. */
export function requestOf(extension, count = 1) {
  return extension.tap().first('LLM_REQUEST', {}, count);
}

let streams = 0;

/** What an extension says to one request, in one stream. */
export class Answer {
  index = 0;

  constructor(extension, request, { outputId, prefix = 'CLIENT_' } = {}) {
    this.extension = extension;
    this.requestId = request.requestId;
    this.prefix = prefix;
    this.streamId = `stream-${(streams += 1)}`;
    this.outputId = outputId ?? `output-${streams}`;
  }

  #emit(name, fields) {
    const { streamId, outputId, requestId } = this;
    this.extension.llm.emit(this.prefix + name, {
      streamId,
      outputId,
      requestId,
      ...fields,
    });
    return this;
  }

  start() {
    return this.#emit('STREAM_START', { type: 1 });
  }

  /** Send chunks, numbered as they come. */
  write(...texts) {
    for (const text of texts) this.chunk(this.index++, text);
    return this;
  }

  /** Send one chunk under a number of one's own. */
  chunk(chunkIndex, data) {
    return chunkIndex === 0
      ? this.#emit('STREAM_DATA_FIRST', { type: 4, chunkIndex, data })
      : this.#emit('STREAM_DATA_MIDDLE', { type: 5, chunkIndex, data });
  }

  last(data, fields = {}) {
    const chunkIndex = this.index++;
    return this.#emit('STREAM_DATA_LAST', { type: 6, chunkIndex, data, ...fields });
  }

  retry(chunkIndex, data) {
    return this.#emit('STREAM_DATA_RETRY', { type: 7, chunkIndex, data });
  }

  fail(message) {
    const chunkIndex = this.index;
    return this.#emit('STREAM_DATA_FAILED', { type: 8, chunkIndex, data: '', message });
  }

  end(fields = { final: true }) {
    return this.#emit('STREAM_END', { type: 3, ...fields });
  }
}

/** The ordinary case: these texts, in one stream, to the end. */
export function tell(...texts) {
  return (answer) => answer.start().write(...texts).end();
}

/** All that a socket heard of one request. */
export function heard(peer, requestId) {
  const tap = peer.tap();
  const chunks = tap.all('streamed_data', { requestId });
  const statuses = tap.all('REQUEST_STATUS_UPDATE', { requestId });
  return {
    chunks,
    text: chunks.map((chunk) => chunk.data).join(''),
    ends: tap.all('streamed_end', { requestId }),
    messages: tap.all('message', { requestId }),
    statuses,
    terminal: statuses.map(({ status }) => status).filter((name) => TERMINAL.has(name)),
  };
}

/** The same, once the request and `outputs` of its outputs have ended. */
export async function ended(peer, requestId, outputs = 1) {
  const over = ({ status }) => TERMINAL.has(status);
  await peer
    .tap()
    .first('REQUEST_STATUS_UPDATE', (data) => data.requestId === requestId && over(data));
  if (outputs > 0) await peer.tap().first('streamed_end', { requestId }, outputs);
  await peer.barrier();
  return heard(peer, requestId);
}

/** What a reader heard of a request it did not make, once its stream has ended. */
export async function overheard(peer, requestId) {
  await peer.tap().first('streamed_end', { requestId });
  await peer.barrier();
  return heard(peer, requestId);
}

async function leaveAll() {
  await Promise.allSettled([...peers].map((peer) => peer.leave()));
}

function giveUp(message) {
  process.stderr.write(`${message}\n`, () => process.exit(1));
}

/** Run the scenario that the command line names, and print its result as JSON. */
export async function play(scenarios) {
  const [name, parameters = '{}'] = process.argv.slice(2);
  const timer = setTimeout(() => {
    const waiting = [...pending].join('; ') || 'nothing in particular';
    giveUp(`${name} took over ${SCENARIO_TIMEOUT} ms, still waiting for: ${waiting}`);
  }, SCENARIO_TIMEOUT);
  try {
    if (!Object.hasOwn(scenarios, name)) throw new Error(`no scenario named ${name}`);
    const result = await scenarios[name](JSON.parse(parameters));
    await leaveAll();
    process.stdout.write(JSON.stringify(result ?? null), () => process.exit(0));
  } catch (error) {
    await leaveAll();
    giveUp(`${name}: ${error.stack}`);
  } finally {
    clearTimeout(timer);
  }
}
