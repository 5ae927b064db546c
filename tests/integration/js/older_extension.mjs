// The extension that people have already, step by step as it does it: its own way of
// making sockets, two at once where it makes two, no identity, no version, a stream
// for each token, and the event without a name that it sends after a drop.

import { io } from 'socket.io-client';

import { Tap } from './tap.mjs';
import { connectClient, ended, play } from './tavern.mjs';
import { within } from './wait.mjs';

const PATIENCE = 10_000;

/** Into how many pieces it cuts each token, however short. */
const PIECES = 5;

function ask(socket, event, ...args) {
  const answered = new Promise((resolve) => {
    socket.emit(event, ...args, resolve);
  });
  return within(PATIENCE, `ack of ${event}`, answered);
}

class OlderExtension {
  #streams = 0;

  constructor(url, port) {
    this.url = url;
    this.clientId = `SillyTavern-${port}`;
    this.desc = `An extension on port ${port}`;
    this.origin = `http://localhost:${port}`;
  }

  /** Its `createSocket`, in a page of SillyTavern. */
  async socket(namespace, key, reconnection = true) {
    const { clientId, desc } = this;
    const auth = { clientType: 'SillyTavern', clientId, desc, key };
    const socket = io(this.url + namespace, {
      auth,
      clientId,
      autoConnect: false,
      reconnection,
      reconnectionAttempts: 3,
      extraHeaders: { Origin: this.origin },
    });
    const connected = new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
    });
    socket.connect();
    await within(PATIENCE, `${clientId}${namespace}: connect`, connected);
    return socket;
  }

  /** Read a file with a socket of its own and without a key. */
  async read(requestId, path) {
    const socket = await this.socket('/function_call');
    const answer = await ask(socket, 'FUNCTION_CALL', {
      requestId,
      target: 'server',
      functionName: 'readJsonFromFile',
      args: [path],
    });
    socket.disconnect();
    return answer;
  }

  /** Both reads begin before either is done: so does trust on first use. */
  readBoth() {
    return Promise.all([
      this.read('checkRememberMe', `./settings/${this.clientId}-settings.json`),
      this.read('loadNetworkSafeSetting', './settings/server_settings.json'),
    ]);
  }

  /** Be given a key by a socket that is closed when the key is there. */
  async identify() {
    const socket = await this.socket('/sillytavern', 'getKey');
    const { clientId } = this;
    const answer = await ask(socket, 'IDENTIFY_SILLYTAVERN', { clientId });
    socket.disconnect();
    return answer;
  }

  /** All that it connects to with that key; `/clients` twice. */
  async connect(key) {
    this.llm = await this.socket('/llm', key);
    [this.auth, this.functions, this.rooms, this.clients] = await Promise.all(
      ['/auth', '/function_call', '/clients', '/clients'].map((namespace) =>
        this.socket(namespace, key, false),
      ),
    );
    this.tap = new Tap(this.llm, `${this.clientId}/llm`);
  }

  /** The whole way in. */
  async arrive() {
    const [own, server] = await this.readBoth();
    const identified = await this.identify();
    await this.connect(identified.key);
    return { own, server, identified };
  }

  sockets() {
    return [this.llm, this.auth, this.functions, this.rooms, this.clients];
  }

  /** Send what SillyTavern says of a growing text: a stream each time it has grown. */
  forward(requestId, tokens) {
    let previous = '';
    for (const token of tokens) {
      this.#stream(requestId, previous + token, previous.length);
      previous += token;
    }
  }

  #stream(requestId, text, length) {
    this.#streams += 1;
    const fields = {
      streamId: `stream-${this.#streams}`,
      outputId: `output of ${requestId}`,
      clientId: this.clientId,
      source: this.clientId,
      requestId,
      target: 'server',
    };
    const chunk = text.substring(length);
    const size = Math.ceil(chunk.length / PIECES);
    const start = { type: 1, numStreams: PIECES, ...fields };
    this.llm.emit('CLIENT_STREAM_START', start);
    for (let index = 0; index < PIECES; index += 1) {
      const data = chunk.substring(index * size, (index + 1) * size);
      const [type, name] = this.#kind(index, length);
      this.llm.emit(`CLIENT_STREAM_DATA_${name}`, {
        type,
        chunkIndex: index,
        data,
        ...fields,
      });
    }
    this.llm.emit('CLIENT_STREAM_END', { type: 3, ...fields });
  }

  #kind(index, length) {
    if (index === 0 && length === 0) return [4, 'FIRST'];
    return index === PIECES - 1 ? [6, 'LAST'] : [5, 'MIDDLE'];
  }
}

/** Every step of its way in, and what it asks for when it is there. */
async function arrive({ url, port }) {
  const extension = new OlderExtension(url, port);
  const steps = await extension.arrive();
  const { llm, clients } = extension;
  llm.emit('message', {
    type: 0,
    data: 'Connection active?',
    requestId: null,
    target: 'server',
  });
  return {
    ...steps,
    connected: extension.sockets().map((socket) => socket.connected),
    alive: await extension.tap.first('message'),
    keys: await ask(clients, 'GET_ALL_CLIENT_KEYS', {}),
    present: await ask(clients, 'UPDATE_CONNECTED_CLIENTS', {}),
    extensions: await ask(extension.auth, 'GET_SILLYTAVERN_EXTENSION'),
  };
}

/** Come, go, and come again with nothing remembered: its page was loaded anew. */
async function reload({ url, port }) {
  const first = await new OlderExtension(url, port).arrive();
  const again = await new OlderExtension(url, port).arrive();
  return { first: first.identified, again: again.identified };
}

/** A client's order and its answer, as far as it was sent; then, perhaps, its end. */
async function answer({ url, port, clientId, tokens, toTheEnd }) {
  const extension = new OlderExtension(url, port);
  await extension.arrive();
  const client = await connectClient(url, { clientId });
  const ack = await client.order({
    requestId: 'r1',
    target: extension.clientId,
    message: 'A story, please.',
    requestType: 'newMessage',
  });
  const order = await extension.tap.first('LLM_REQUEST');
  extension.forward(order.requestId, tokens);
  const whole = tokens.join('').length;
  await client.tap().until('the whole text', () => {
    const chunks = client.tap().all('streamed_data');
    return chunks.map(({ data }) => data).join('').length >= whole || undefined;
  });
  const text = client
    .tap()
    .all('streamed_data')
    .map(({ data }) => data)
    .join('');
  const warnings = extension.tap.all('WARNING');
  const end = toTheEnd ? await ended(client, 'r1') : null;
  return { ack, order, text, warnings, end };
}

/** A drop, after which it sends an event whose name is null on the same socket. */
async function drop({ url, port }) {
  const extension = new OlderExtension(url, port);
  await extension.arrive();
  const { llm, tap } = extension;
  const dropped = tap.first('disconnect');
  llm.io.engine.close();
  await dropped;
  // Its constants do not have the name, and JSON makes of it what it can.
  llm.emit(undefined, { clientId: extension.clientId, reason: 'client_side_cleanup' });
  llm.connect();
  await tap.until('reconnection', () => llm.connected || undefined);
  llm.emit(undefined);
  const alive = await ask(llm, 'message', { data: 'Connection active?' });
  return { alive, errors: tap.all('ERROR'), connected: llm.connected };
}

play({ arrive, reload, answer, drop });
