// Pictures of each view, in both themes and three widths, for people to look at.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { evening, visitAll } from './evening.mjs';
import { closeHouse, openHouse } from './house.mjs';
import { PICTURES } from './places.mjs';

const WINDOWS = [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
  { width: 2560, height: 1300 },
];
const THEMES = ['light', 'dark'];

async function take(desk, name) {
  // What moves has come to rest, and what is loaded is there.
  await desk.page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)));
  await desk.picture(join(PICTURES, `${name}.png`));
}

const house = await openHouse();
try {
  await mkdir(PICTURES, { recursive: true });
  const shown = await evening(house);
  for (const theme of THEMES) {
    for (const window of WINDOWS) {
      const suffix = `${theme}-${window.width}`;
      const door = await house.desk({ theme, ...window });
      await door.field('core.key').waitFor();
      await take(door, `sign-in-${suffix}`);
      await door.close();
      const desk = await house.operator({ theme, ...window });
      await visitAll(desk, shown, (name) => take(desk, `${name}-${suffix}`));
      await desk.close();
    }
  }
} finally {
  await closeHouse();
}
console.log(`The pictures are in ${PICTURES}.`);
