// Pictures of the extension's panel as its user sees it: connected, busy, disconnected.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { closeHouse, openHouse } from './house.mjs';
import { hears, order, outcome, serve } from './orders.mjs';
import { PICTURES } from './places.mjs';

/** Open the drawer with the settings of extensions, and ours in it. */
async function openPanel({ page }) {
  await page.locator('#extensions-settings-button .drawer-toggle').click();
  const panel = page.locator('#tapster');
  await panel.locator('.inline-drawer-toggle').click();
  await panel.getByText('Disconnect', { exact: true }).waitFor();
  // Drawers slide: what is pictured has come to rest.
  await page.waitForFunction(() => globalThis.jQuery(':animated').length === 0);
  return panel;
}

async function take(tab, panel, name) {
  await panel.locator('.tapster-state').scrollIntoViewIfNeeded();
  await tab.picture(join(PICTURES, `${name}.png`));
  await panel
    .locator('.inline-drawer')
    .screenshot({ path: join(PICTURES, `${name}-panel.png`) });
}

const house = await openHouse();
try {
  await mkdir(PICTURES, { recursive: true });
  const tavern = await house.tavern();
  const { tab } = tavern;
  const guest = await house.guest();
  await serve(house, guest, tavern, { message: 'One ale, please.' }, 'Here you are.');
  const panel = await openPanel(tab);
  await take(tab, panel, 'connected');

  const requestId = await order(guest, tavern, { message: 'And a story with it?' });
  const utterance = await house.llm.asked();
  utterance.write('Once upon a time', ', in a tavern', ' not far from here,');
  await hears(guest, requestId, 'Once upon a time, in a tavern not far from here,');
  await take(tab, panel, 'busy');
  utterance.write(' somebody ordered an ale.').end();
  await outcome(guest, requestId);

  await panel.getByText('Disconnect', { exact: true }).click();
  await panel.locator('.tapster-light[data-state="off"]').waitFor();
  await take(tab, panel, 'disconnected');
  await house.sayGoodbye();
} finally {
  await closeHouse();
}
console.log(`The pictures are in ${PICTURES}.`);
