// The logs: live, by level, searched, and paged back.

import assert from 'node:assert/strict';

import { connectClient, Refused } from '../integration/js/tavern.mjs';

import { inBothLanguages, scene } from './scene.mjs';

const lines = (desk) => desk.page.getByRole('region', { name: desk.t('logs.lines') });

let strangers = 0;

/** Somebody whom the broker does not know knocks, and it is logged under this name. */
async function knock(house) {
  const clientId = `stranger-${(strangers += 1)}`;
  await assert.rejects(connectClient(house.url, { clientId }), Refused);
  return clientId;
}

inBothLanguages('lines come as they are written, wait while one reads, and are searched', async (house, language) => {
  const desk = await house.operator({ language });
  await desk.go('logs');
  const first = await knock(house);
  await lines(desk).getByText(first).first().waitFor();
  await desk.button('logs.pause').click();
  const second = await knock(house);
  await knock(house);
  const waiting = new RegExp(desk.t('logs.waiting', { count: 2 }).replace('2', '\\d+'));
  await desk.page.getByRole('status').filter({ hasText: waiting }).waitFor();
  const meanwhile = await lines(desk).getByText(second).count();
  await desk.button('logs.resume').click();
  await lines(desk).getByText(second).first().waitFor();
  await desk.field('logs.search').fill(first);
  await lines(desk).getByText(second).first().waitFor({ state: 'detached' });
  await lines(desk).getByText(first).first().waitFor();

  assert.equal(meanwhile, 0);
});

inBothLanguages('a level leaves the lines of that level', async (house, language) => {
  const desk = await house.operator({ language });
  await desk.go('logs');
  await knock(house);
  const word = (level) => lines(desk).getByText(desk.t(`logs.word.${level}`), { exact: true });
  await word('info').first().waitFor();
  await desk.field('logs.level').selectOption('error');
  await word('info').first().waitFor({ state: 'detached' });
  await desk.field('logs.level').selectOption('info');
  await word('info').first().waitFor();
});

inBothLanguages('the files are paged back and searched by the broker', async (house, language) => {
  const stranger = await knock(house);
  for (let count = 0; count < 60; count += 1) await knock(house);
  const desk = await house.operator({ language });
  await desk.go('logs/past');
  await lines(desk).getByText('stranger').first().waitFor();
  const page = (number) => desk.page.getByText(new RegExp(desk.t('logs.page', { page: number, pages: '\\d+' })));
  await page(1).waitFor();
  await desk.button('logs.older').click();
  await page(2).waitFor();
  await desk.button('logs.newer').click();
  await page(1).waitFor();
  await desk.field('logs.search').fill(`"${stranger}"`);
  await desk.page.getByText(new RegExp(desk.t('logs.page', { page: 1, pages: 1 }))).waitFor();
  await lines(desk).getByText(stranger).first().waitFor();
}, { ms: 45_000 });

scene('debug mode is switched on, said on the overview, and switched off', async (house) => {
  const desk = await house.operator();
  await desk.go('logs');
  const pressed = (on) =>
    desk.page.getByRole('button', { name: desk.t('logs.debug'), exact: true, pressed: on });
  await pressed(false).click();
  await pressed(true).waitFor();
  await desk.go('overview');
  await desk.says('overview.debugMode');
  await desk.go('logs');
  await pressed(true).click();
  await pressed(false).waitFor();
});
