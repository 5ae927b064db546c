// The load generator: extensions that answer and clients that listen, one process.
//
//   node bench/load.mjs --url http://127.0.0.1:4000 --peer node --streams 20
//
// It uses the official socket.io-client over WebSocket, never anything faster, so the
// server under test sees what it sees in real life. Both ends of every stream are here,
// so a chunk's latency is the difference of two readings of one clock.
//
// Phases are JSON lines on stdout. After each it waits for a line on stdin, so that the
// runner can read the server's CPU time and memory while nothing moves:
//
//   {"phase": "ready", …}   everything connected, every request accepted
//   {"phase": "done", …}    every chunk arrived, complete and in order; the figures
//   {"phase": "failed", …}  the error; the process then ends with 1
//
// With --streams 0 the idle clients connect between "ready" and "done" (what do they
// cost?), otherwise before "ready" (do they slow the streams down?).

import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { adapterFor } from "./load/adapters.mjs";
import { readOptions } from "./load/options.mjs";
import { sendFlat, sendPaced } from "./load/senders.mjs";
import { latencies, openStreams } from "./load/streams.mjs";

/** How many connections are being made at a time. */
const CONNECTING_AT_ONCE = 16;
/** Long enough for a server to finish what a burst of connections left behind. */
const SETTLE_MS = 500;
/** Connections made before the idle ones are counted: caches and pools fill first. */
const WARM_UP_CLIENTS = 20;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function announce(phase, facts) {
  console.log(JSON.stringify({ phase, ...facts }));
  await lines.next();
}

/** Like Promise.all over 0…count-1, a bounded number at a time. */
async function inTurn(count, make) {
  const made = new Array(count);
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      made[index] = await make(index);
    }
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, worker));
  return made;
}

function connectIdle(adapter, from, count) {
  return inTurn(count, (index) => adapter.client("bench-idle", from + index));
}

async function runStreams(adapter, options) {
  const pairs = await inTurn(options.streams, async (index) => ({
    extension: await adapter.extension("SillyTavern-bench", index),
    client: await adapter.client("bench-client", index),
  }));
  await connectIdle(adapter, 0, options.idle);
  const streams = await openStreams(pairs, options);
  const connections = 2 * options.streams + options.idle;
  await sleep(SETTLE_MS);
  await announce("ready", { connections });

  const send = options.mode === "paced" ? sendPaced : sendFlat;
  const started = performance.now();
  await Promise.all(streams.map((stream) => send(stream, options)));
  const seconds = (performance.now() - started) / 1000;
  const chunks = options.streams * options.chunks;
  const latency = options.mode === "paced" ? latencies(streams) : null;
  await announce("done", { connections, chunks, seconds, latency });
}

async function runIdle(adapter, options) {
  await connectIdle(adapter, 0, WARM_UP_CLIENTS);
  await sleep(SETTLE_MS);
  await announce("ready", { connections: WARM_UP_CLIENTS });

  const started = performance.now();
  await connectIdle(adapter, WARM_UP_CLIENTS, options.idle);
  const seconds = (performance.now() - started) / 1000;
  await sleep(SETTLE_MS);
  const connections = WARM_UP_CLIENTS + options.idle;
  await announce("done", { connections, chunks: 0, seconds, latency: null });
}

function fail(error) {
  console.log(JSON.stringify({ phase: "failed", error: String(error?.stack ?? error) }));
  process.exit(1);
}

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
const options = readOptions();
const run = options.streams > 0 ? runStreams : runIdle;
await run(adapterFor(options, fail), options);
process.exit(0);
