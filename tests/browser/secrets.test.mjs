// The search for keys in logs, without which a run that found none would say nothing.

import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { searchLogs } from '../e2e/secrets.mjs';
import { noteKeys } from '../integration/js/seen_keys.mjs';

import { House } from './house.mjs';
import { scene } from './scene.mjs';

const SECRET = `planted_${'s-_'.repeat(12)}`;
const KEY = `tap_0123456789abcdef_${SECRET}`;

async function withLogs(texts, body) {
  const root = await mkdtemp(join(tmpdir(), 'tapster-planted-'));
  try {
    await mkdir(join(root, 'data', 'logs'), { recursive: true });
    for (const [name, text] of Object.entries(texts)) await writeFile(join(root, name), text);
    await body(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

for (const log of ['data/logs/combined.log', 'data/logs/audit.log', 'stdout', 'stderr']) {
  for (const [what, text] of [['a key', KEY], ['its secret part', SECRET]]) {
    test(`${what} in ${log} is found, and is not shown whole`, async () => {
      noteKeys({ key: KEY });
      await withLogs({ [log]: `nothing\nhere it is: ${text}\n` }, async (root) => {
        const found = await searchLogs(root).catch((error) => error.message);

        assert.ok(found.includes(`${join(root, log)}:2: here it is: `), found);
        assert.equal(found.includes(SECRET), false);
      });
    });
  }
}

test('logs that hold no key pass, and a folder without logs does not', async () => {
  noteKeys({ key: KEY });
  await withLogs({ stderr: 'tap_0123456789abcdef_… was made\n' }, searchLogs);
  await withLogs({}, (root) => assert.rejects(searchLogs(root), /nobody has looked/));
});

let own = null;

/** A house as it is installed, whose key a page alone is told. */
async function ownHouse() {
  own ??= new House({ server: {}, clients: {} }).open();
  return own;
}

scene('a house does not close in peace where a log holds what only a page was told', async (house) => {
  const [, path] = await house.broker.says(/http:\/\/[^/\s]+(\/#sign-in=\S+)/);
  const desk = await house.desk({ path });
  await desk.cameIn();
  const told = await desk.page.evaluate(() => sessionStorage.getItem('tapster.signIn'));
  const [, secret] = JSON.parse(told).key.match(/^tap_[0-9a-f]+_(\S+)$/);
  const log = join(house.root, 'broker', 'stderr');
  await appendFile(log, `${secret}\n`);
  const said = await house.close().then(() => 'nothing', (error) => error.message);
  await rm(house.root, { recursive: true, force: true });

  assert.match(said, /\/broker\/stderr:\d+: …/);
  assert.equal(said.includes(secret), false);
}, { needs: ownHouse });
