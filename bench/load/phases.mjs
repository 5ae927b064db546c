// What the runner hears, and waits for.

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Says that a phase is reached; done when the runner lets the next begin. */
export async function announce(phase, facts) {
  console.log(JSON.stringify({ phase, ...facts }));
  await lines.next();
}

/** Says why nothing can be measured, and ends. */
export function fail(error) {
  console.log(JSON.stringify({ phase: "failed", error: String(error?.stack ?? error) }));
  process.exit(1);
}
