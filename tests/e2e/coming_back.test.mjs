// What is lost in the middle of an answer: it ends cleanly, and all come back.

import assert from 'node:assert/strict';

import { heard } from '../integration/js/tavern.mjs';

import { hears, order, outcome, serve } from './orders.mjs';
import { scene } from './scene.mjs';

async function isServed(house, guest, tavern) {
  house.llm.forget();
  const { status, finalText } = await serve(house, guest, tavern, {}, 'As ever.');

  assert.equal(status, 'completed');
  assert.equal(finalText, 'As ever.');
}

scene('SillyTavern reloaded in the middle of an answer', async (house, tavern) => {
  const guest = await house.guest();
  const requestId = await order(guest, tavern);
  const utterance = await house.llm.asked();
  utterance.write('Half an', ' ale');
  await hears(guest, requestId, 'Half an ale');
  await tavern.tab.reload();
  await utterance.hungUp();
  const { status, finalText, terminals, error } = await outcome(guest, requestId);

  assert.equal(status, 'failed');
  assert.equal(error.code, 10503);
  assert.equal(finalText, 'Half an ale');
  assert.equal(terminals, 1);
  await house.connected(tavern);
  await isServed(house, guest, tavern);
});

scene(
  'a connection lost in the middle of an answer loses no word',
  async (house, tavern) => {
    const guest = await house.guest();
    const requestId = await order(guest, tavern);
    const utterance = await house.llm.asked();
    utterance.write('Half an', ' ale');
    await hears(guest, requestId, 'Half an ale');
    await tavern.tab.cut();
    utterance.write(',', ' and', ' the other half');
    await hears(guest, requestId, 'Half an ale, and the other half');
    utterance.write('.').end();
    const { status, text, terminals } = await outcome(guest, requestId);

    assert.equal(status, 'completed');
    assert.equal(text, 'Half an ale, and the other half.');
    assert.equal(terminals, 1);
  },
);

for (const [how, end] of [
  ['killed', 'kill'],
  ['stopped', 'stop'],
]) {
  scene(
    `the broker ${how} in the middle of an answer and started again`,
    async (house, tavern) => {
      const guest = await house.guest();
      const requestId = await order(guest, tavern);
      const utterance = await house.llm.asked();
      utterance.write('Half an', ' ale');
      await hears(guest, requestId, 'Half an ale');
      await house.broker[end]();
      await house.broker.start();
      await guest.tap().first('connect', {}, 2);
      const resumed = await guest.ask('/llm', 'RESUME_STREAM', { requestId, from: 0 });

      assert.equal(resumed.state, 'failed');
      await house.connected(tavern);
      await utterance.hungUp();
      await isServed(house, guest, tavern);
    },
  );
}

/** The time that the panel names, today, in milliseconds; it names whole seconds. */
function namedIn(text) {
  const [, hours, minutes, seconds, half] = text.match(/at (\d+):(\d+):(\d+)\s?([AP]M)?$/);
  const afternoon = half === 'PM' ? 12 : 0;
  const hour = half ? (Number(hours) % 12) + afternoon : Number(hours);
  return new Date().setHours(hour, Number(minutes), Number(seconds), 0);
}

scene(
  'a broker asked to stop lets the answer end, and is left alone for as long as it asks',
  async (house, tavern) => {
    const { page } = tavern.tab;
    const guest = await house.guest();
    const requestId = await order(guest, tavern);
    const utterance = await house.llm.asked();
    utterance.write('Half an', ' ale');
    await hears(guest, requestId, 'Half an ale');
    const ended = house.broker.drain();
    await guest.tap().first('WARNING', { code: 9 });
    const opened = [];
    page.on('websocket', () => opened.push(Date.now()));
    utterance.write('.').end();
    const away = page.locator('#tapster .tapster-light[data-state="away"]');
    await away.waitFor({ state: 'attached' });
    const said = await page.locator('#tapster .tapster-state').innerText();
    const buttons = await page
      .locator('#tapster .menu_button:not([hidden])')
      .allTextContents();
    await ended;
    const { text, terminal } = heard(guest, requestId);
    await house.broker.start();
    await house.connected(tavern);
    await isServed(house, guest, tavern);

    assert.equal(text, 'Half an ale.');
    assert.deepEqual(terminal, ['completed']);
    assert.match(said, /^The broker stops and asks us to wait: connecting again at /);
    assert.deepEqual(buttons, ['Connect', 'Disconnect']);
    assert.ok(opened[0] >= namedIn(said), `${new Date(opened[0])}: ${said}`);
  },
);
