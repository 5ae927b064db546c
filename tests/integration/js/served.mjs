// The modules that the broker serves, downloaded and used as a page would use them.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { WebSocket } from 'ws';

import { fakeExtension, play, requestOf, Answer } from './tavern.mjs';
import { Changes } from './wait.mjs';

globalThis.WebSocket = WebSocket; // browsers have one, Node 20 has none

const MODULES = [
  '/lib/constants.js',
  '/lib/Socket.io/socket.io.js',
  '/lib/socket.io.esm.min.js',
  '/lib/@sap_oss/node-socketio-stream.js',
  '/lib/uuid/uuid.js',
  '/dist/function_call.js',
];

/** What the pages' own module loader does: fetch them, and let them find each other. */
async function downloaded(url, use) {
  const folder = await mkdtemp(join(tmpdir(), 'served-'));
  try {
    await writeFile(join(folder, 'package.json'), '{"type": "module"}');
    for (const path of MODULES) {
      const answer = await fetch(url + path);
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), await answer.text());
    }
    return await use((path) => import(pathToFileURL(join(folder, path))));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A socket of the served client, once it is connected. */
async function connected(io, url, namespace, auth) {
  const socket = io(url + namespace, { auth, transports: ['websocket'] });
  await new Promise((resolve, reject) => {
    socket.on('connect', resolve);
    socket.on('connect_error', reject);
  });
  return socket;
}

/** Every export of the constants. */
async function constants({ url }) {
  return downloaded(url, async (load) => ({ ...(await load('/lib/constants.js')) }));
}

/** Functions of the broker by their names; a refusal is an error with its code. */
async function functions({ url, clientId }) {
  return downloaded(url, async (load) => {
    const { io } = await load('/lib/Socket.io/socket.io.js');
    const { NAMESPACES } = await load('/lib/constants.js');
    const calls = await load('/dist/function_call.js');
    const socket = await connected(io, url, NAMESPACES.FUNCTION_CALL, { clientId });
    const tried = async (call) => {
      try {
        return { result: await call };
      } catch ({ name, message, code }) {
        return { name, message, code };
      }
    };
    const own = `./settings/${clientId}-settings.json`;
    const answers = {
      exports: Object.keys(calls).sort(),
      own: await tried(calls.readJsonFromFile(socket, own)),
      outside: await tried(calls.readJsonFromFile(socket, '../pyproject.toml')),
      unverified: await tried(calls.callFunction(socket, 'listFunctions')),
    };
    socket.disconnect();
    return answers;
  });
}

/** An answer through the served stream library. */
async function streams({ url, clientId, extension, texts }) {
  const tavern = await fakeExtension(url, { clientId: extension });
  return downloaded(url, async (load) => {
    const { io } = await load('/lib/socket.io.esm.min.js');
    const ss = await load('/lib/@sap_oss/node-socketio-stream.js');
    const { MSG_TYPE, STREAM_EVENTS } = await load('/lib/constants.js');
    const { uuidv4 } = await load('/lib/uuid/uuid.js');
    const auth = { clientId, key: 'getKey' };
    const authSocket = await connected(io, url, '/auth', auth);
    const { key } = await authSocket.emitWithAck(MSG_TYPE.GET_CLIENT_KEY);
    const socket = await connected(io, url, '/llm', { clientId, key });
    const read = new Changes();
    const chunks = [];
    let over;
    ss.default(socket).on(STREAM_EVENTS.streamed_data, (stream) => {
      stream.on('data', (chunk) => chunks.push(chunk.toString()));
      stream.on('end', () => {
        over = true;
        read.changed();
      });
    });
    const order = { requestId: uuidv4(), target: extension, message: 'Hello' };
    const ack = await socket.emitWithAck(MSG_TYPE.LLM_REQUEST, order);
    new Answer(tavern, await requestOf(tavern)).start().write(...texts).end();
    await read.until('the end of the stream', () => over);
    socket.disconnect();
    authSocket.disconnect();
    const names = Object.keys(ss).sort();
    return { ack, text: chunks.join(''), names, global: globalThis.ss === ss.default };
  });
}

/** Identifiers: whole, short, and the package's own functions. */
async function identifiers({ url }) {
  return downloaded(url, async (load) => {
    const { uuidv4, v4, validate } = await load('/lib/uuid/uuid.js');
    return {
      valid: [uuidv4(), v4()].map((id) => validate(id)),
      short: uuidv4(8).length,
      none: uuidv4(0),
    };
  });
}

/** The classic bundle of a script tag. */
async function classic({ url, path = '/socket.io' }) {
  const folder = await mkdtemp(join(tmpdir(), 'classic-'));
  try {
    const file = join(folder, 'socket.io.cjs');
    await writeFile(file, await (await fetch(`${url}${path}/socket.io.js`)).text());
    const { io, Manager } = createRequire(file)(file);
    return { io: typeof io, Manager: typeof Manager };
  } finally {
    await rm(folder, { recursive: true });
  }
}

play({ constants, functions, streams, identifiers, classic });
