// When the broker is away: the page says so, and comes back by itself.

import assert from 'node:assert/strict';
import { after } from 'node:test';

import { House } from './house.mjs';
import { inBothLanguages, scene } from './scene.mjs';

let lonely = null;

/** A house whose broker may be restarted: nobody else is in it. */
async function lonelyHouse() {
  lonely ??= new House().open();
  return lonely;
}

after(async () => (await lonely)?.close());

inBothLanguages('a restart of the broker is said, and the page comes back by itself', async (house, language) => {
  const tavern = await house.tavern();
  const desk = await house.operator({ language });
  await desk.go('instances');
  const card = desk.page.getByRole('heading', { name: tavern.identity, exact: true });
  await card.waitFor();
  await house.broker.stop();
  await desk.page.getByRole('alert').getByText(desk.t('core.awayTrying')).waitFor();
  await desk.state('offline');
  await house.broker.start();
  await desk.state('online');
  await desk.page.getByText(desk.t('core.awayTrying')).waitFor({ state: 'hidden' });
  await tavern.restore();
  await tavern.identify();
  await card.waitFor();
  const guest = await house.guest();
  await guest.order({ requestId: 'afterwards', target: tavern.identity });
  await desk.go('requests');
  await desk.row('afterwards').waitFor();
}, { needs: lonelyHouse, ms: 45_000 });

/** The time at which the page says that it tries again; it names whole seconds. */
async function namedOn(desk) {
  const text = await desk.page.getByRole('alert').filter({ hasText: /\d+:\d+:\d+/ }).innerText();
  const [clock, ...numbers] = text.match(/(\d+):(\d+):(\d+)/);
  assert.equal(text, desk.t('core.awayUntil', { time: clock }));
  return new Date().setHours(...numbers.map(Number), 0);
}

const isBack = (desk) => desk.page.getByRole('alert').filter({ hasText: /./ }).waitFor({ state: 'detached' });

inBothLanguages('a broker that stops is left alone for as long as it asks', async (house, language) => {
  const desk = await house.operator({ language });
  const ended = house.broker.drain();
  const trying = desk.page.waitForEvent('websocket').then(() => Date.now());
  const until = await namedOn(desk);
  const tried = await trying;
  await ended;
  await house.broker.start();
  await isBack(desk);

  assert.ok(tried >= until, `${new Date(tried)}: asked to wait until ${new Date(until)}`);
}, { needs: lonelyHouse, ms: 45_000 });

inBothLanguages('an operator who does not want to wait tries at once', async (house, language) => {
  const desk = await house.operator({ language });
  const ended = house.broker.drain();
  const trying = desk.page.waitForEvent('websocket').then(() => Date.now());
  const until = await namedOn(desk);
  await desk.button('core.tryNow').click();
  const tried = await trying;
  await desk.page.getByRole('alert').getByText(desk.t('core.awayTrying')).waitFor();
  await ended;
  await house.broker.start();
  await isBack(desk);

  assert.ok(tried < until + 1_000, `${new Date(tried)}: asked to wait until ${new Date(until)}`);
}, { needs: lonelyHouse, ms: 45_000 });

scene('a broker that is killed is said to be away, and what one does then is refused', async (house) => {
  const tavern = await house.tavern();
  const { identity } = tavern;
  const desk = await house.operator();
  await desk.go('instances');
  await desk.button('instances.drainOne', { identity }).waitFor();
  await house.broker.kill();
  await desk.state('offline');
  await desk.button('instances.drainOne', { identity }).click();
  await desk.page.getByRole('alert').getByText(desk.t('core.away')).first().waitFor();
  await house.broker.start();
  await desk.state('online');
}, { needs: lonelyHouse, ms: 45_000 });

scene('a connection that is cut comes back without a word of the operator', async (house) => {
  const desk = await house.operator();
  await desk.go('overview');
  await desk.cut();
  await desk.page.waitForFunction(() =>
    globalThis.seen.sockets.some(({ readyState }) => readyState === WebSocket.OPEN),
  );
  await desk.state('online');
  const guest = await house.guest();
  await desk.go('clients');
  await desk.row(guest.auth.clientId).first().waitFor();
}, { needs: lonelyHouse });
