// Keys that were given out while tests ran, for tests/secrets.py to look for in logs.

import { appendFileSync } from 'node:fs';

const KEY = /tap_[0-9a-f]{12,16}_[\w-]{22,43}/g;
const seen = new Set();

/** Write down the keys in anything the broker said. */
export function noteKeys(said) {
  const file = process.env.TAPSTER_SEEN_KEYS;
  if (!file) return;
  for (const [key] of (JSON.stringify(said) ?? '').matchAll(KEY)) {
    if (seen.has(key)) continue;
    seen.add(key);
    appendFileSync(file, `${key}\n`);
  }
}
