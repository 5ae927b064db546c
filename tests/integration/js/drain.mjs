// What the official client does by itself when the broker stops, as it comes: made by
// `io`, with no option of ours but who it is.

import { io } from 'socket.io-client';

import { noteKeys } from './seen_keys.mjs';
import { Tap } from './tap.mjs';
import { play } from './tavern.mjs';

/** Notes when the client tries again, in milliseconds since it was disconnected. */
class Tries {
  times = [];
  #gone = null;

  constructor(socket) {
    socket.on('disconnect', () => (this.#gone = performance.now()));
    socket.io.on('reconnect_attempt', () => {
      if (this.#gone !== null) this.times.push(performance.now() - this.#gone);
    });
  }
}

async function keyOf(url, clientId) {
  const door = io(`${url}/auth`, { forceNew: true, auth: { clientId, key: 'getKey' } });
  const { key } = await new Tap(door, '/auth').first('GET_CLIENT_KEY');
  noteKeys(key);
  door.disconnect();
  return key;
}

/** Keep to what the broker asks, as docs/protocol.md says. */
function heed(socket) {
  socket.on('WARNING', ({ retryAfter }) => {
    const ms = retryAfter * 1000;
    socket.io.reconnectionDelay(ms).reconnectionDelayMax(ms).randomizationFactor(0);
  });
}

/** Two namespaces, an order under way, the stop, and the broker's return. */
async function back({ url, clientId, transports, heeding }) {
  const auth = { clientId, key: await keyOf(url, clientId) };
  const options = { auth, ...(transports && { transports }) };
  const llm = io(`${url}/llm`, options);
  const rooms = io(`${url}/rooms`, options);
  const taps = [new Tap(llm, '/llm'), new Tap(rooms, '/rooms')];
  const tries = new Tries(llm);
  if (heeding) heed(llm);
  await Promise.all(taps.map((tap) => tap.first('connect')));
  const order = { requestId: 'r1', message: 'A story, please.' };
  const ack = await llm.emitWithAck('LLM_REQUEST', order);
  await Promise.all(taps.map((tap) => tap.first('connect', {}, 2)));
  const heard = taps.map((tap) =>
    tap.events
      .filter(({ event }) => ['WARNING', 'connect', 'disconnect'].includes(event))
      .map(({ event, args }) => ({ event, data: args[0] ?? null })),
  );
  const statuses = taps[0].all('REQUEST_STATUS_UPDATE').map(({ status }) => status);
  const { engine } = llm.io;
  return { ack, heard, statuses, tries: tries.times, transport: engine.transport.name };
}

/** Comes when the broker takes nobody, says so, and gets in when it is back. */
async function late({ url, clientId, sayAt }) {
  const auth = { clientId, key: 'getKey' };
  const socket = io(`${url}/auth`, { auth });
  const tap = new Tap(socket, '/auth');
  let told;
  socket.once('connect_error', ({ description, context }) => {
    // At once: the library takes the answer away again.
    told = { status: description, body: JSON.parse(context.responseText) };
  });
  await tap.first('connect_error');
  const { active } = socket;
  await fetch(sayAt);
  await tap.first('GET_CLIENT_KEY');
  return { active, ...told };
}

play({ back, late });
