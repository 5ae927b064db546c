// Settings and routing rules: shown with what they do, changed where that is possible.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { eventually, inBothLanguages, scene } from './scene.mjs';

const RULES = [
  { match: { event: 'LLM_REQUEST', source: 'guest-*' }, to: { room: 'upstairs' }, action: 'copy' },
  { match: { event: 'message', clientType: 'bot' }, action: 'drop' },
];

/** Write the rules, and come back once the broker's answer about them is right. */
async function rule(house, content, isRight) {
  const monitor = await house.monitor();
  await writeFile(join(house.root, 'broker', 'settings', 'routes.json'), content);
  await eventually('the broker: to read routes.json', async () =>
    isRight(await monitor.ask('/debug', 'GET_ROUTES', {})),
  );
}

const chosen = (desk, name, pressed = true) =>
  desk.page.getByRole('button', { name: desk.t(name), pressed });

inBothLanguages('every setting is shown with what it does, and found by that', async (house, language) => {
  const monitor = await house.monitor();
  const desk = await house.operator({ language });
  await desk.go('settings');
  const { settings } = await monitor.ask('/debug', 'GET_SETTINGS', {});
  const table = desk.page.getByRole('table').last();
  await table.getByText('reconnectGrace', { exact: true }).waitFor();
  const text = await table.innerText();
  await desk.field('settings.search').fill('wrongKeysBan');
  await desk.gone(table.getByText('reconnectGrace', { exact: true }));
  await table.getByText('wrongKeysBan', { exact: true }).waitFor();

  const missing = settings.filter(({ name, about }) =>
    !text.includes(name) || !text.includes(about[language].slice(0, 8)));
  assert.deepEqual(missing, []);
});

inBothLanguages('the mode of new rooms is chosen, and is in force at once', async (house, language) => {
  const [guest, monitor] = await Promise.all([house.guest(), house.monitor()]);
  const desk = await house.operator({ language });
  await desk.go('settings');
  await chosen(desk, 'settings.mode.name.Default').waitFor();
  await chosen(desk, 'settings.mode.name.Immediate', false).click();
  await chosen(desk, 'settings.mode.name.Immediate').waitFor();
  await guest.ask('/rooms', 'CREATE_ROOM', { roomName: `new room ${language}` });
  const { details } = await monitor.ask('/rooms', 'GET_ROOMS', {});
  await chosen(desk, 'settings.mode.name.Default', false).click();
  await chosen(desk, 'settings.mode.name.Default').waitFor();

  const { mode } = details.find(({ roomName }) => roomName === `new room ${language}`);
  assert.equal(mode, 'Immediate');
});

inBothLanguages('routing rules are shown in their order, and tried without sending', async (house, language) => {
  const desk = await house.operator({ language });
  await desk.go('settings/routes', null);
  await desk.says('settings.routes.empty');
  await rule(house, JSON.stringify(RULES), ({ rules }) => rules.length === 2);
  await desk.button('settings.routes.refresh').click();
  await desk.page.getByText('guest-*').waitFor();
  await desk.field('settings.try.event').fill('LLM_REQUEST');
  await desk.button('settings.try.go').click();
  await desk.says('settings.try.required');
  await desk.field('settings.try.source').fill('guest-7');
  await desk.button('settings.try.go').click();
  await desk.says('settings.try.taken', { number: 1 });
  await desk.field('settings.try.event').fill('message');
  await desk.field('settings.try.clientType').fill('bot');
  await desk.button('settings.try.go').click();
  await desk.says('settings.try.taken', { number: 2 });
  await desk.says('settings.try.passed');
  await desk.field('settings.try.clientType').fill('');
  await desk.button('settings.try.go').click();
  await desk.says('settings.try.untaken');
  await rule(house, '[]', ({ rules }) => rules.length === 0);
});

scene('a fault in the rules is said where they are shown', async (house) => {
  await rule(house, '[{"action": "fly"}]', ({ error }) => Boolean(error));
  const desk = await house.operator();
  await desk.go('settings/routes', null);
  await desk.says('settings.routes.error');
  await rule(house, '[]', ({ error }) => !error);
});
