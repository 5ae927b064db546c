// Coming in: by the one-time link, by a key, and out again.

import assert from 'node:assert/strict';
import { after } from 'node:test';

import { House } from './house.mjs';
import { inBothLanguages, scene } from './scene.mjs';

let strict = null;

/** A house as it is installed: nobody has a key, and nobody is given one. */
async function strictHouse() {
  strict ??= new House({ server: {}, clients: {} }).open();
  return strict;
}

after(async () => (await strict)?.close());

async function linkOf(house) {
  const [, path] = await house.broker.says(/http:\/\/[^/\s]+(\/#sign-in=\S+)/);
  return path;
}

/** All that the browser keeps, for this tab and for longer, and its address. */
async function kept(desk) {
  return desk.page.evaluate(() => ({
    address: location.href,
    tab: JSON.stringify(sessionStorage),
    browser: JSON.stringify(localStorage),
    cookies: document.cookie,
  }));
}

async function operatorKey(house) {
  return (await house.monitor()).operatorKey;
}

scene('the one-time link signs in once, and is gone from the address at once', async (house) => {
  const path = await linkOf(house);
  const [, token] = path.split('=');
  const desk = await house.desk({ path });
  await desk.cameIn();
  const { address, browser } = await kept(desk);
  const back = await desk.page.evaluate(() => history.length);
  const second = await house.desk({ path });
  await second.says('core.linkUsed');
  const turnedAway = await kept(second);

  assert.equal(address.includes(token), false);
  assert.equal(turnedAway.address.includes(token), false);
  assert.equal(browser.includes('key'), false);
  assert.ok(back <= 2, 'the link is in the history of the tab');
}, { needs: strictHouse });

scene('a link that nobody made does not sign in', async (house) => {
  const desk = await house.desk({ path: '/#sign-in=abcdefgh' });
  await desk.says('core.linkUsed');
}, { needs: strictHouse });

inBothLanguages('a wrong key gets one clear sentence, and the right one is let in', async (house, language) => {
  const key = await operatorKey(house);
  const desk = await house.desk({ language });
  const clientId = 'operator';
  await desk.fillIn({ clientId, key: 'not-the-key' });
  await desk.says('core.wrongKey', { clientId });
  const alerts = desk.page.getByRole('alert').filter({ hasText: /./ });
  const said = await alerts.allInnerTexts();
  const marked = await desk.field('core.key').getAttribute('aria-invalid');
  await desk.signIn({ clientId, key });

  assert.deepEqual(said, [desk.t('core.wrongKey', { clientId })]);
  assert.equal(marked, 'true');
});

scene('an empty key is asked for, and who is no monitor is told so', async (house) => {
  const guest = await house.guest();
  const desk = await house.desk();
  await desk.fillIn({ clientId: 'operator', key: '' });
  await desk.says('core.keyMissing');
  await desk.fillIn({ clientId: guest.auth.clientId, key: guest.auth.key });
  const alert = desk.page.getByRole('alert').filter({ hasText: guest.auth.clientId });
  await alert.waitFor();
});

scene('a key is forgotten with the tab, unless the operator wants it remembered', async (house) => {
  const key = await operatorKey(house);
  const desk = await house.desk();
  await desk.signIn({ clientId: 'operator', key });
  const passing = await kept(desk);
  await desk.page.reload();
  await desk.cameIn();
  const other = await desk.page.context().newPage();
  await other.goto(house.url);
  await other.getByLabel(desk.t('core.key'), { exact: true }).waitFor();
  await other.close();
  await desk.button('core.signOut').click();
  await desk.signIn({ clientId: 'operator', key, remember: true });
  const remembered = await kept(desk);
  await desk.button('core.signOut').click();
  await desk.field('core.key').waitFor();
  const gone = await kept(desk);

  assert.equal(passing.browser.includes(key), false);
  assert.equal(`${passing.address}${passing.cookies}`.includes(key), false);
  assert.equal(remembered.browser.includes(key), true);
  assert.equal(remembered.address.includes(key), false);
  assert.equal(JSON.stringify(gone).includes(key), false);
});

scene('where the broker gives keys for the asking, the form asks', async (house) => {
  const desk = await house.desk();
  const ask = desk.button('core.askForKey');
  await ask.waitFor();
  await desk.field('core.clientId').fill('operator');
  await ask.click();
  await desk.cameIn();
});

scene('where it gives none, nobody is offered one', async (house) => {
  const desk = await house.desk();
  await desk.field('core.key').waitFor();
  const offered = await desk.button('core.askForKey').count();

  assert.equal(offered, 0);
}, { needs: strictHouse });

inBothLanguages('signing out leaves nothing that could come in again', async (house, language) => {
  const desk = await house.desk({ language });
  await desk.signIn({ clientId: 'operator', key: await operatorKey(house) });
  await desk.button('core.signOut').click();
  await desk.field('core.key').waitFor();
  await desk.page.reload();
  await desk.field('core.key').waitFor();
});
