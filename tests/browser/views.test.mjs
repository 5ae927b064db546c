// All views: their words, their policy, and whether everybody can use them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { evening, visitAll } from './evening.mjs';
import { inBothLanguages, scene } from './scene.mjs';
import { keys } from './words.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** As the contract of the page has it, to the letter. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'";

inBothLanguages('every view speaks one language, and shows no key of a text', async (house, language) => {
  const shown = await evening(house);
  const desk = await house.operator({ language });
  const known = new Set(keys());
  await visitAll(desk, shown, async (name) => {
    const { lang, texts } = await desk.page.evaluate(() => {
      const attributes = ['aria-label', 'placeholder', 'title', 'alt'];
      const named = [...document.querySelectorAll('*')].flatMap((each) =>
        attributes.map((attribute) => each.getAttribute(attribute)),
      );
      const lines = document.body.innerText.split(/[\n\t]/);
      return { lang: document.documentElement.lang, texts: [...lines, ...named] };
    });
    const raw = texts.filter((text) => known.has(text?.trim()) || /\{\w+\}/.test(text ?? ''));
    const title = await desk.page.title();

    assert.match(lang, new RegExp(`^${language}`), name);
    assert.deepEqual(raw, [], `${name} shows keys`);
    assert.match(title, /Tapster/);
  });
});

scene('the language is switched without losing one’s place, and stays', async (house) => {
  const desk = await house.operator({ language: 'en' });
  await desk.go('requests');
  await desk.page.getByRole('button', { name: '简体中文' }).click();
  desk.language = 'zh';
  await desk.heading('requests.title').waitFor();
  const lang = await desk.page.getAttribute('html', 'lang');
  await desk.page.reload();
  await desk.heading('requests.title').waitFor();

  assert.match(lang, /^zh/);
});

scene('the theme follows the system until one chooses, and then stays', async (house) => {
  const desk = await house.operator({ theme: 'dark' });
  const paper = () =>
    desk.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await paper();
  const switchTo = (now, next) => desk.button('core.themeIs', {
    now: desk.t(`core.theme.${now}`),
    next: desk.t(`core.theme.${next}`),
  }).click();
  await switchTo('auto', 'light');
  const light = await paper();
  await desk.page.reload();
  await desk.cameIn();
  const afterwards = await paper();

  assert.notEqual(dark, light);
  assert.equal(afterwards, light);
});

inBothLanguages('all views are reached by the navigation, and by the keyboard', async (house, language) => {
  const desk = await house.operator({ language });
  const ids = ['overview', 'requests', 'instances', 'rooms', 'clients', 'logs', 'settings'];
  for (const id of ids) {
    await desk.link(`${id}.title`, { within: desk.page.getByRole('navigation').first() }).focus();
    await desk.page.keyboard.press('Enter');
    await desk.heading(`${id}.title`).first().waitFor();
    const current = await desk.page.locator('nav [aria-current=page]').first().innerText();

    assert.equal(current.trim(), desk.t(`${id}.title`));
  }
});

scene('on a telephone nothing is wider than the screen', async (house) => {
  const shown = await evening(house);
  const desk = await house.operator({ width: 360, height: 720 });
  await visitAll(desk, shown, async (name) => {
    const wide = await desk.page.evaluate(() => document.documentElement.scrollWidth);

    assert.ok(wide <= 360, `${name} is ${wide} px wide`);
  });
});

for (const theme of ['light', 'dark']) {
  scene(`everybody can use every view (${theme})`, async (house) => {
    const shown = await evening(house);
    const door = await house.desk({ theme });
    await door.field('core.key').waitFor();
    const faults = await faultsOf(door, 'sign-in');
    const desk = await house.operator({ theme });
    await visitAll(desk, shown, async (name) => {
      faults.push(...(await faultsOf(desk, name)));
    });

    assert.deepEqual(faults, []);
  }, { ms: 60_000 });
}

scene('everybody can use the dialogs', async (house) => {
  const tavern = await house.tavern();
  const desk = await house.operator();
  const faults = [];
  const opens = [
    ['rooms', 'rooms.create'],
    ['clients', 'clients.add'],
    ['instances', 'instances.removeOne'],
  ];
  for (const [path, key] of opens) {
    await desk.go(path);
    const opener = desk.button(key, { identity: tavern.identity });
    await opener.click();
    await desk.dialog.waitFor();
    faults.push(...(await faultsOf(desk, key)));
    await desk.page.keyboard.press('Escape');
    await desk.gone(desk.dialog);
    const focused = await opener.evaluate((each) => each === document.activeElement);

    assert.ok(focused, `${key}: the focus comes back`);
  }

  assert.deepEqual(faults, []);
});

/** What axe finds serious or critical. */
async function faultsOf(desk, view) {
  if (!(await desk.page.evaluate(() => 'axe' in globalThis))) await desk.page.evaluate(AXE);
  const { violations } = await desk.page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'] }),
  );
  return violations
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .flatMap(({ id, nodes }) =>
      nodes.slice(0, 3).map(({ html, any }) => `${view}: ${id}: ${any[0]?.message ?? ''} ${html.slice(0, 200)}`),
    );
}

scene('the page comes with a strict policy, and has no script or style within', async (house) => {
  const shown = await evening(house);
  const response = await fetch(house.url);
  const page = await response.text();
  const desk = await house.operator();
  await visitAll(desk, shown, async (name) => {
    const within = await desk.page.evaluate(() => ({
      scripts: document.querySelectorAll('script:not([src])').length,
      styles: document.querySelectorAll('style').length,
      foreign: [...document.querySelectorAll('[src], link[href]')]
        .map((each) => new URL(each.src || each.href).origin)
        .filter((origin) => origin !== location.origin),
    }));

    assert.deepEqual(within, { scripts: 0, styles: 0, foreign: [] }, name);
  });

  assert.equal(response.headers.get('content-security-policy'), POLICY);
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(response.headers.get('referrer-policy'), 'no-referrer');
  assert.equal(response.headers.get('cross-origin-opener-policy'), 'same-origin');
  assert.doesNotMatch(page, /\sstyle=|\son\w+=/);
});
