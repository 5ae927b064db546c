// The command line of the load generator.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

const OPTIONS = {
  url: { type: "string" },
  peer: { type: "string", default: "tapster" }, // how to log in: see adapters.mjs
  streams: { type: "string", default: "20" }, // an extension and a client each
  chunks: { type: "string", default: "1000" }, // per stream
  size: { type: "string", default: "32" }, // characters per chunk
  mode: { type: "string", default: "flat" }, // "flat": as fast as they go; "paced"
  rate: { type: "string", default: "50" }, // chunks a second and stream, when paced
  idle: { type: "string", default: "0" }, // clients that only stay connected
  ids: { type: "string", default: "own" }, // clientIds: "own" each, or one "shared"
  "key-file": { type: "string" }, // JSON: {clientId: key}
};

const NUMBERS = ["streams", "chunks", "size", "rate", "idle"];

/** What each of these options may say. */
const CHOICES = {
  peer: ["tapster", "node", "plain"],
  mode: ["flat", "paced"],
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
}

export function readOptions() {
  const { values } = parseArgs({ options: OPTIONS });
  const options = { ...values };
  for (const name of NUMBERS) options[name] = Number(values[name]);
  check(options);
  const file = values["key-file"];
  options.keys = file ? JSON.parse(readFileSync(file, "utf8")) : {};
  return options;
}
