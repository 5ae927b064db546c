// The command line of the load generator.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

const OPTIONS = {
  url: { type: "string" },
  peer: { type: "string", default: "tapster" }, // how to log in: see adapters.mjs
  work: { type: "string", default: "streams" }, // what to do: see works/
  streams: { type: "string", default: "20" }, // an extension and a client each
  readers: { type: "string", default: "1" }, // of each stream; more than 1: in a room
  chunks: { type: "string", default: "1000" }, // per stream, the first not measured
  size: { type: "string", default: "32" }, // characters per chunk
  mode: { type: "string", default: "flat" }, // "flat": as fast as they go; "paced"
  rate: { type: "string", default: "50" }, // chunks a second and stream, when paced
  read: { type: "string", default: "events" }, // or by the stream "library"
  deaf: { type: "string", default: "0" }, // more of them, who take nothing
  rooms: { type: "string", default: "0" }, // open beside it, of idle clients
  idle: { type: "string", default: "0" }, // clients that only stay connected
  namespaces: { type: "string", default: "/llm" }, // of idle clients, by commas
  messages: { type: "string", default: "0" }, // said in a room
  "message-rate": { type: "string", default: "0" }, // a second; 0: when acknowledged
  ids: { type: "string", default: "own" }, // clientIds: "own" each, or one "shared"
  "key-file": { type: "string" }, // JSON: {clientId: key}
};

const NUMBERS = [
  "streams",
  "readers",
  "chunks",
  "size",
  "rate",
  "deaf",
  "rooms",
  "idle",
  "messages",
  "message-rate",
];

/** What each of these options may say. */
const CHOICES = {
  peer: ["tapster", "node", "plain"],
  work: ["streams", "idle", "storm", "messages"],
  mode: ["flat", "paced"],
  read: ["events", "library"],
  ids: ["own", "shared"],
};

/** A chunk says which stream and which place it belongs to, and needs room for it. */
const SMALLEST_CHUNK = 16;

function check(options) {
  if (!options.url) throw new Error("--url is missing");
  for (const name of NUMBERS) {
    if (!Number.isInteger(options[name]) || options[name] < 0) {
      throw new Error(`--${name} must be a whole number`);
    }
  }
  for (const [name, words] of Object.entries(CHOICES)) {
    if (!words.includes(options[name])) {
      throw new Error(`--${name} must be one of ${words.join(", ")}`);
    }
  }
  if (options.size < SMALLEST_CHUNK) {
    throw new Error(`--size must be at least ${SMALLEST_CHUNK}`);
  }
  if (options.deaf > 0 && options.readers === 1) {
    throw new Error("--deaf needs --readers: they sit in the same room");
  }
  if (options.readers > 1 && options.streams !== 1) {
    throw new Error("--readers needs --streams 1: there is one room");
  }
}

export function readOptions() {
  const { values } = parseArgs({ options: OPTIONS });
  const options = { ...values };
  for (const name of NUMBERS) options[name] = Number(values[name]);
  options.namespaces = values.namespaces.split(",");
  check(options);
  const file = values["key-file"];
  options.keys = file ? JSON.parse(readFileSync(file, "utf8")) : {};
  return options;
}
