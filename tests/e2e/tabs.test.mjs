// Two tabs of one SillyTavern, two SillyTaverns of one name, and tabs that sleep.

import assert from 'node:assert/strict';

import { order, outcome, serve } from './orders.mjs';
import { scene } from './scene.mjs';

const light = (tab, state) =>
  tab.page
    .locator(`#tapster .tapster-light[data-state="${state}"]`)
    .waitFor({ state: 'attached' });

scene('a second tab is told so, takes over, and gives back', async (house, tavern) => {
  const guest = await house.guest('/auth');
  const first = tavern.tab;
  const second = await tavern.openTab();
  await light(second, 'elsewhere');
  const toast = second.page.locator('.toast', { hasText: 'Another tab' });
  await toast.waitFor();
  const { extensions } = await guest.ask('/auth', 'GET_SILLYTAVERN_EXTENSION');
  await toast.click();
  await light(second, 'online');
  await light(first, 'elsewhere');
  await first.page
    .locator('.toast', { hasText: 'is connected to Tapster now' })
    .waitFor();
  await serve(house, guest, tavern, { message: 'Who is there?' }, 'The second.');
  const said = await second.said(2);
  await second.page.close();
  await light(first, 'online');
  await first.reload();
  await house.connected(tavern);

  assert.deepEqual(
    extensions.filter((identity) => identity === tavern.identity),
    [tavern.identity],
  );
  assert.deepEqual(said, ['User: Who is there?', 'Seraphina: The second.']);
});

scene(
  'a SillyTavern whose name is taken takes another, and keeps it',
  async (house, tavern) => {
    const { identity } = tavern;
    await tavern.tab.page.close();
    await house.namesake(tavern);
    tavern.tab = await tavern.openTab();
    const { tab } = tavern;
    await light(tab, 'online');
    const name = await tab.page.locator('#tapster .tapster-state').innerText();
    await tab.reload();
    await light(tab, 'online');
    const later = await tab.page.locator('#tapster .tapster-state').innerText();
    await house.sayGoodbye();
    await tab.context(async ({ extensionSettings }) => {
      const { saveSettings } = await import('/script.js');
      extensionSettings.tapster.suffix = '';
      await saveSettings();
    });
    await tab.reload();
    await house.connected(tavern);

    assert.match(name, new RegExp(`^Connected as ${identity}-[0-9a-f]+$`));
    assert.equal(later, name);
  },
);

scene('a frozen tab answers when it has thawed', async (house, tavern) => {
  const guest = await house.guest();
  await tavern.tab.freeze();
  const requestId = await order(guest, tavern, { message: 'Anybody awake?' });
  await tavern.tab.thaw();
  const utterance = await house.llm.asked();
  utterance.write('Now I am.').end();
  const { status, finalText } = await outcome(guest, requestId);

  assert.equal(status, 'completed');
  assert.equal(finalText, 'Now I am.');
});
