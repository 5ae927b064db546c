// A thousand clients: the page stays smooth, and costs the broker next to nothing.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Child } from '../e2e/processes.mjs';

import { House } from './house.mjs';
import { scene } from './scene.mjs';

const CLIENTS = 1_000;
const COMING_IN = 60_000;

/** Milliseconds of each of the measurements, which take turns with the page and without. */
const MEASURED = 3_000;
const TURNS = 2;

/** Milliseconds that the page shows each view. */
const LOOKED_AT = 1_000;

/** Per second, in /proc. */
const TICKS = 100;

const LONGEST_TASK = 200;
const MOST_OF_A_CORE = 0.02;

let crowded = null;

async function crowdedHouse() {
  crowded ??= new House().open();
  return crowded;
}

after(async () => (await crowded)?.close());

async function bringCrowd(house) {
  const { auth } = await house.guest();
  const script = fileURLToPath(new URL('crowd.mjs', import.meta.url));
  const log = join(house.root, 'crowd.log');
  const args = [script, house.url, `${CLIENTS}`, auth.key];
  const crowd = new Child('the crowd', process.execPath, args, { log });
  await crowd.says(/ready/, COMING_IN);
  return crowd;
}

/** Seconds of a core that a process has used since it was started. */
function used(pid) {
  const [, rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user, system] = rest.split(' ').slice(11, 13).map(Number);
  return (user + system) / TICKS;
}

/** The share of a core that the broker takes while `action` goes on. */
async function share(house, action) {
  const { pid } = house.broker;
  const [begun, before] = [performance.now(), used(pid)];
  await action();
  return (used(pid) - before) / ((performance.now() - begun) / 1000);
}

/** Look at every view for a while; the tasks that kept the page from answering meanwhile. */
async function longTasksOf(desk) {
  const from = await desk.page.evaluate(() => performance.now());
  for (const path of ['overview', 'requests', 'instances', 'rooms', 'logs', 'clients']) {
    await desk.go(path);
    await setTimeout(LOOKED_AT);
  }
  while (await desk.button('clients.more').isVisible()) await desk.button('clients.more').click();
  await desk.row(`guest-1-${CLIENTS - 1}`).waitFor();
  await setTimeout(LOOKED_AT);
  const { longTasks } = await desk.seen();
  return longTasks
    .filter(({ startTime }) => startTime >= from)
    .map(({ duration }) => duration);
}

/** The share of a core that a page costs the broker, with and without it in turns. */
async function costOfPage(house) {
  const shares = { without: [], with: [] };
  const wait = () => setTimeout(MEASURED);
  for (let turn = 0; turn < TURNS; turn += 1) {
    shares.without.push(await share(house, wait));
    const desk = await house.operator();
    await desk.go('overview');
    shares.with.push(await share(house, wait));
    await desk.close();
  }
  return { without: mean(shares.without), with: mean(shares.with) };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (value) => `${(value * 100).toFixed(1)} %`;

scene('a page that shows a thousand clients stays smooth, and costs next to nothing', async (house) => {
  const crowd = await bringCrowd(house);
  try {
    const desk = await house.operator();
    const tasks = await longTasksOf(desk);
    await desk.wasFaultless();
    await desk.close();
    const cost = await costOfPage(house);
    const extra = cost.with - cost.without;
    const longest = Math.max(0, ...tasks);
    console.log(
      `${CLIENTS} clients: ${tasks.length} long tasks, the longest ${longest} ms; the broker ` +
        `takes ${percent(cost.without)} of a core, with the page ${percent(cost.with)}`,
    );

    assert.ok(longest < LONGEST_TASK, `a task of ${longest} ms`);
    assert.ok(extra < MOST_OF_A_CORE, `the page costs ${percent(extra)} of a core`);
  } finally {
    await crowd.stop();
  }
}, { needs: crowdedHouse, ms: 150_000 });
