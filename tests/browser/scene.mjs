// Scenes: tests with a house, who must leave it as they found it.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { pending, within } from '../integration/js/wait.mjs';

import { closeHouse, openHouse } from './house.mjs';
import { PICTURES } from './places.mjs';
import { LANGUAGES } from './words.mjs';

const SCENE_TIMEOUT = 30_000;
const OPEN_TIMEOUT = 60_000;

after(closeHouse);

/**
 * Play `body(house, …rest)` as a test of that name, within `ms`. What fails leaves a
 * picture; what leaves a page with a fault fails.
 */
export function scene(name, body, { ms = SCENE_TIMEOUT, needs = openHouse } = {}) {
  test(name, async () => {
    const house = await within(OPEN_TIMEOUT, 'opening the house', needs());
    pending.clear();
    try {
      await within(ms, name, body(house));
      await Promise.all(house.desks.map((desk) => desk.wasFaultless()));
    } catch (error) {
      error.message += `\n${await evidence(house, name)}`;
      throw error;
    } finally {
      await house.sayGoodbye();
    }
  });
}

/** The same once in each language: `body(house, language)`. */
export function inBothLanguages(name, body, options) {
  for (const language of LANGUAGES)
    scene(`${name} (${language})`, (house) => body(house, language), options);
}

/** Ask until the answer is yes, for what nobody tells a client of. */
export async function eventually(what, ask) {
  pending.add(what);
  while (!(await ask())) await setTimeout(50);
  pending.delete(what);
}

async function evidence(house, name) {
  const waiting = [...pending].join('; ') || 'nothing in particular';
  const folder = join(PICTURES, 'failed');
  await mkdir(folder, { recursive: true });
  const paths = house.desks.map((_, index) =>
    join(folder, `${name.replaceAll(/\W+/g, '-')}-${index + 1}.png`),
  );
  const taken = house.desks.map((desk, index) => desk.picture(paths[index]));
  await Promise.allSettled(taken);
  return `waiting for: ${waiting}\npictures: ${paths.join(' ') || 'none'}`;
}
