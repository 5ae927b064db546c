// A scene is a test of the house: the LLM listens to it alone, it ends in time, and
// where it fails it says what it waited for and leaves pictures of the tabs.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { pending, within } from '../integration/js/wait.mjs';

import { closeHouse, openHouse } from './house.mjs';
import { PICTURES } from './places.mjs';

const SCENE_TIMEOUT = 40_000;

/** Starting a SillyTavern is no scene's fault; the first start ever compiles. */
const OPEN_TIMEOUT = 300_000;

after(closeHouse);

const oneTavern = (house) => house.tavern();

/**
 * Give a function that plays `body(house, needed)` as a test of that name.
 *
 * `needs` starts what these scenes are played with; `ms` is how long each may take from
 * then on.
 */
export function scenes({ needs = oneTavern, ms = SCENE_TIMEOUT } = {}) {
  return (name, body) =>
    test(name, async () => {
      const house = await within(OPEN_TIMEOUT, 'opening the house', openHouse());
      const needed = await within(OPEN_TIMEOUT, 'starting SillyTavern', needs(house));
      house.llm.forget();
      pending.clear();
      try {
        await within(ms, name, body(house, needed));
      } catch (error) {
        error.message += `\n${await evidence(house, name)}`;
        throw error;
      } finally {
        await house.sayGoodbye();
      }
    });
}

/** Scenes with one SillyTavern. */
export const scene = scenes();

async function evidence(house, name) {
  const waiting = [...pending].join('; ') || 'nothing in particular';
  const pictures = await takePictures(house, name);
  return `waiting for: ${waiting}\npictures: ${pictures.join(' ') || 'none'}`;
}

async function takePictures(house, name) {
  await mkdir(PICTURES, { recursive: true });
  const paths = house.instances.map(({ identity }) =>
    join(PICTURES, `${name.replaceAll(/\W+/g, '-')}-${identity}.png`),
  );
  const taken = house.instances.map(({ tab }, index) => tab.picture(paths[index]));
  await Promise.allSettled(taken);
  return paths;
}
