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
//   {"phase": "ready", …}    everything is prepared; what follows is measured
//   {"phase": "done", …}     all of it arrived, complete and in order; the figures
//   {"phase": "checked", …}  what was begun has ended as it should; the loop's lag
//   {"phase": "failed", …}   the error; the process then ends with 1
//
// What there is to do between "ready" and "done" is in load/works/, a file each.

import { adapterFor } from "./load/adapters.mjs";
import { readOptions } from "./load/options.mjs";
import { announce, fail } from "./load/phases.mjs";
import { LagWatch } from "./load/lag_watch.mjs";
import { Idle } from "./load/works/idle.mjs";
import { Messages } from "./load/works/messages.mjs";
import { Storm } from "./load/works/storm.mjs";
import { Streams } from "./load/works/streams.mjs";

const WORKS = { streams: Streams, idle: Idle, storm: Storm, messages: Messages };

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

const options = readOptions();
const adapter = adapterFor(options, fail);
const work = new WORKS[options.work](adapter, options);
await work.prepare();
const watch = await LagWatch.of(adapter);
await announce("ready", {});

watch.start();
const started = performance.now();
const facts = await work.run();
const seconds = (performance.now() - started) / 1000;
await announce("done", { seconds, ...facts });

const lag = await watch.stop();
await work.check();
await announce("checked", { lag });
process.exit(0);
