// Whether a log of a broker holds a key that was used: tests/secrets.py looks for them.
//
// Keys that this process and its children are told are written down by `noteKeys`, those
// that pages are told by `noteKeysOf`. Links to sign in stand where brokers print them.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { noteKeys } from '../integration/js/seen_keys.mjs';

import { PROJECT } from './places.mjs';

const PYTHON = join(PROJECT, '.venv', 'bin', 'python');
const MOST_SHOWN = 4_000;

/** HTTP answers that may tell a key: to a link, and over long-polling. */
const TELLING = /\/console\/sign-in$|\/socket\.io\/\?/;

const folder = mkdtempSync(join(tmpdir(), 'tapster-keys-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
process.env.TAPSTER_SEEN_KEYS ??= join(folder, 'seen_keys');

/** Write down the keys that a page sends and is told from now on. */
export function noteKeysOf(page) {
  page.on('websocket', (socket) => {
    for (const event of ['framesent', 'framereceived'])
      socket.on(event, ({ payload }) => noteKeys(`${payload}`));
  });
  page.on('response', async (response) => {
    if (!TELLING.test(response.url())) return;
    noteKeys(await response.text().catch(() => '')); // the page may be gone
  });
}

/** Look into all logs below a folder; throws if one holds a key, or if there is none. */
export async function searchLogs(root) {
  const args = ['-m', 'tests.secrets', root, process.env.TAPSTER_SEEN_KEYS];
  try {
    const { stdout } = await promisify(execFile)(PYTHON, args, { cwd: PROJECT });
    console.log(stdout.trim());
  } catch ({ stdout, stderr, message }) {
    const said = (stdout || stderr || message).slice(0, MOST_SHOWN);
    throw new Error(`a log holds a key, or nobody could look:\n${said}`);
  }
}
