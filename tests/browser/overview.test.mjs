// The overview: the house at a glance, as it is now.

import assert from 'node:assert/strict';

import { Answer, requestOf } from '../integration/js/tavern.mjs';

import { inBothLanguages, scene } from './scene.mjs';

/** A figure, once it is this. */
async function figure(desk, name, value) {
  const label = desk.t(`overview.figure.${name}`);
  await desk.page.waitForFunction(
    ([wanted, text]) => [...document.querySelectorAll('dl.figures > div')].some((each) =>
      each.querySelector('dt').textContent === wanted && each.querySelector('dd').textContent === text),
    [label, value],
  );
}

inBothLanguages('figures, instances and problems follow what happens', async (house, language) => {
  const desk = await house.operator({ language });
  await desk.go('overview');
  await desk.says('overview.noInstances');
  await figure(desk, 'requests', '0');
  const tavern = await house.tavern({ current: 'Seraphina', characters: ['Seraphina'], model: 'llama-3' });
  const guest = await house.guest();
  await figure(desk, 'instances', '1');
  const row = desk.row(tavern.identity);
  await row.getByText(desk.t('overview.is.idle')).waitFor();
  await row.getByText('Seraphina').waitFor();
  await guest.order({ requestId: `glance-${language}`, target: tavern.identity });
  await figure(desk, 'requests', '1');
  await row.getByText(desk.t('overview.is.busy')).waitFor();
  new Answer(tavern, await requestOf(tavern)).start().fail('no more ale');
  await figure(desk, 'requests', '0');
  await desk.page.getByText('no more ale').first().waitFor();
  await desk.link('overview.request', { requestId: `glance-${language}` }).click();
  await desk.heading('requests.why').waitFor();
});

inBothLanguages('four lines tell of the last fifteen minutes', async (house, language) => {
  const desk = await house.operator({ language });
  await desk.go('overview');
  const section = desk.page.getByRole('region', { name: desk.t('overview.lines') });
  for (const name of ['chunks', 'requests', 'loopLag', 'memory']) {
    await section.getByText(desk.t(`overview.chart.${name}`)).first().waitFor();
  }
  const drawn = await section.locator('canvas, svg').count();

  assert.ok(drawn >= 4, `${drawn} charts`);
});

scene('two consoles of one operator do not fight', async (house) => {
  const [one, other] = [await house.operator(), await house.operator()];
  const guest = await house.guest();
  for (const desk of [one, other]) {
    await desk.go('clients');
    await desk.row(guest.auth.clientId).waitFor();
    await desk.state('online');
  }
});
