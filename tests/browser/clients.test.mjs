// Clients and keys: who is here, who is trusted, and keys that are shown once.

import assert from 'node:assert/strict';

import { connectClient, Refused } from '../integration/js/tavern.mjs';

import { inBothLanguages, scene } from './scene.mjs';

let clients = 0;

const newName = () => `client-${(clients += 1)}`;

inBothLanguages('who is here is listed as they come and go', async (house, language) => {
  const desk = await house.operator({ language });
  await desk.go('clients');
  const guest = await house.guest({ desc: 'The one by the fire', name: 'Ann' });
  const { clientId } = guest.auth;
  const row = desk.row(clientId);
  await row.getByText('The one by the fire').waitFor();
  await row.getByText(desk.t('clients.status.online')).waitFor();
  await guest.cut();
  await row.getByText(desk.t('clients.status.away')).waitFor();
  await desk.gone(row);
});

scene('clients are found by their address, name and kind', async (house) => {
  const [guest, tavern] = await Promise.all([house.guest({ desc: 'lonesome' }), house.tavern()]);
  const desk = await house.operator();
  await desk.go('clients');
  await desk.row(tavern.identity).waitFor();
  await desk.field('clients.search').fill('lonesome');
  await desk.row(guest.auth.clientId).waitFor();
  await desk.gone(desk.row(tavern.identity));
  await desk.field('clients.search').fill('');
  await desk.field('clients.show').selectOption('sillytaverns');
  await desk.row(tavern.identity).waitFor();
  await desk.gone(desk.row('lonesome'));
});

inBothLanguages('a client is trusted, gets a key that is shown once, and loses it', async (house, language) => {
  const clientId = newName();
  const desk = await house.operator({ language });
  await desk.go('clients');
  await desk.button('clients.add').click();
  await desk.field('clients.add.id', { within: desk.dialog }).fill(clientId);
  await desk.confirm('clients.trust');
  await desk.page.getByRole('heading', { name: clientId, exact: true }).waitFor();
  await desk.says('clients.trusted.yes');
  await desk.button('clients.make').click();
  await desk.dialog.getByText(desk.t('clients.made.once')).waitFor();
  const key = await desk.dialog.getByLabel(desk.t('clients.made.label'), { exact: true }).innerText();
  await desk.confirm('clients.made.done');
  const visitor = await connectClient(house.url, { clientId, key });
  await desk.button('clients.revoke.label', { keyId: key.split('.')[0] }).or(
    desk.page.getByRole('button', { name: /revoke|吊销/i }),
  ).first().click();
  await desk.confirm('clients.revoke');
  await visitor.tap().first('disconnect');
  const again = connectClient(house.url, { clientId, key });
  await assert.rejects(again, Refused);
  const page = await desk.page.content();
  const stored = await desk.page.evaluate(() =>
    JSON.stringify([{ ...sessionStorage }, { ...localStorage }, location.href]),
  );

  assert.equal(page.includes(key), false);
  assert.equal(stored.includes(key), false);
});

inBothLanguages('a client that is trusted no longer is put out', async (house, language) => {
  const guest = await house.guest();
  const { clientId } = guest.auth;
  guest.manager.reconnection(false);
  const desk = await house.operator({ language });
  await desk.go(`clients/of/${clientId}`, null);
  await desk.button('clients.distrust').click();
  await desk.confirm('clients.distrust');
  await guest.tap().first('disconnect');
  await desk.says('clients.trusted.no');
  await desk.button('clients.trust').click();
  await desk.says('clients.trusted.yes');
});

scene('a key says where it was used last', async (house) => {
  const guest = await house.guest();
  const desk = await house.operator();
  await desk.go(`clients/of/${guest.auth.clientId}`, null);
  await desk.page.getByRole('table', { name: desk.t('clients.one.keys') })
    .getByText('127.0.0.1').first().waitFor();
});

scene('a name that is none is refused before it is sent', async (house) => {
  const desk = await house.operator();
  await desk.go('clients/keys');
  await desk.button('clients.add').click();
  await desk.field('clients.add.id', { within: desk.dialog }).fill('x'.repeat(129));
  await desk.button('clients.trust', { within: desk.dialog }).click();
  await desk.dialog.getByText(desk.t('clients.add.bad')).waitFor();
});
