// A real `tapster serve` with directories of its own.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { PROJECT } from './places.mjs';
import { Child, freePort } from './processes.mjs';

const TAPSTER = process.env.TAPSTER ?? join(PROJECT, '.venv', 'bin', 'tapster');
const START_TIMEOUT = 20_000;

/** The broker process; `clients` maps the ids it trusts to their settings. */
export class Broker {
  #child = null;

  constructor({ root, clients, server = {} }) {
    this.root = root;
    this.clients = clients;
    this.server = server;
  }

  async prepare() {
    this.port = await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    await mkdir(join(this.root, 'settings'), { recursive: true });
    await mkdir(join(this.root, 'data'));
    await this.#write('server_settings', this.server);
    for (const [clientId, fields] of Object.entries(this.clients)) {
      await this.#write(`${clientId}-settings`, { clientId, isTrust: true, ...fields });
    }
  }

  /** Start it, again or for the first time, on the same port. */
  async start() {
    const at = (name) => join(this.root, name);
    const places = ['--settings', at('settings'), '--data', at('data')];
    const args = ['serve', '--port', `${this.port}`, ...places];
    const files = { log: at('stdout'), errors: at('stderr') };
    this.#child = new Child('the broker', TAPSTER, args, { cwd: PROJECT, ...files });
    await this.#child.says(/ listening on /, START_TIMEOUT);
  }

  /** The match of `pattern` in what it has said since it was started. */
  async says(pattern) {
    return this.#child.says(pattern, START_TIMEOUT);
  }

  /** The number of its process. */
  get pid() {
    return this.#child.pid;
  }

  /** End it as a power cut would. */
  async kill() {
    await this.#child.stop('SIGKILL');
  }

  /** Ask it to end; it must go in peace. */
  async stop() {
    // As Ctrl-C does: SIGTERM would wait for answers that a test left unfinished.
    const code = await this.#child.stop('SIGINT');
    if (code !== 0) throw new Error(`the broker ended with ${code}`);
  }

  /** Ask it to end when all is answered, as a service manager does. */
  async drain() {
    const code = await this.#child.stop('SIGTERM');
    if (code !== 0) throw new Error(`the broker ended with ${code}`);
  }

  async #write(name, content) {
    const path = join(this.root, 'settings', `${name}.json`);
    await writeFile(path, JSON.stringify(content));
  }
}
