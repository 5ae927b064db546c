// Processes of a test's own: started, heard, and ended with the test run.

import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:net';

import { Changes, within } from '../integration/js/wait.mjs';

const STOP_TIMEOUT = 15_000;

const running = new Set();

// A run that is interrupted leaves no SillyTavern behind.
process.on('exit', () => {
  for (const each of running) each.kill();
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** A port of this machine that is free now. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * A child process; one can wait for a line of what it says, which goes to the file `log`.
 * `errors` is another one for what it says of troubles. Both are whole once it has ended.
 */
export class Child extends Changes {
  #process;
  #said = '';
  #code;

  constructor(name, command, args, { log, errors = log, ...options }) {
    super();
    this.name = name;
    this.#process = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    running.add(this);
    this.#hear(this.#process.stdout, log);
    this.#hear(this.#process.stderr, errors);
    this.#process.once('error', (error) => this.#gone(error.message));
    this.#process.once('close', (code, signal) => this.#gone(code ?? signal));
  }

  get pid() {
    return this.#process.pid;
  }

  /** The match of `pattern` in what it says, within `ms`. */
  async says(pattern, ms) {
    const line = this.until(`${this.name}: to say ${pattern}`, () => {
      const found = this.#said.match(pattern);
      return found ?? (this.#code === undefined ? undefined : { ended: this.#code });
    });
    const found = await within(ms, `${this.name}: to say ${pattern}`, line);
    if (!('ended' in found)) return found;
    throw new Error(`${this.name} ended (${found.ended}):\n${this.#said}`);
  }

  /** End it as a power cut would. */
  kill() {
    this.#process.kill('SIGKILL');
  }

  /** Ask it to end, and wait until it has; its exit code or signal. */
  async stop(signal = 'SIGTERM') {
    this.#process.kill(signal);
    const gone = this.until(`${this.name}: to end`, () => this.#code);
    return within(STOP_TIMEOUT, `the end of ${this.name}`, gone);
  }

  #hear(stream, file) {
    stream.setEncoding('utf8').on('data', (text) => {
      appendFileSync(file, text);
      this.#said += text;
      this.changed();
    });
  }

  #gone(code) {
    this.#code ??= code;
    running.delete(this);
    this.changed();
  }
}
