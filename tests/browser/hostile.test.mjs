// Texts that would like to be more than texts.

import assert from 'node:assert/strict';

import { Answer, connectClient, Refused, requestOf } from '../integration/js/tavern.mjs';

import { views } from './evening.mjs';
import { inBothLanguages } from './scene.mjs';

/** Runs in a page that takes it for HTML; says where it came from. */
const attack = (from) =>
  `<img src=x onerror="hacked('${from}')"><script>hacked('${from}')</script>`;

/** The same, where no more than 128 characters are allowed. */
const short = (from) => `<img src=x onerror=hacked('${from}')>`;

/** What there is to wait for in views that ask the broker: the attack as a text. */
const shownFirst = {
  instances: attack('character'),
  room: attack('message'),
  request: attack('error'),
  clients: short('id'),
  log: 'hacked',
};

/** A house in which everybody calls everything like that. */
async function attackers(house) {
  const monitor = await house.monitor();
  const clientId = short('id');
  const made = await monitor.ask('/clients', 'GENERATE_CLIENT_KEY', { targetClientId: clientId });
  const guest = await connectClient(house.url, {
    clientId,
    key: made.key,
    desc: attack('desc'),
    name: attack('name'),
    html: attack('html'),
    avatar: 'javascript:hacked("avatar")',
    clientType: short('type'),
    namespaces: ['/llm', '/rooms'],
  });
  const tavern = await house.tavern({
    identity: short('instance'),
    desc: attack('desc of an instance'),
    characters: [attack('characters')],
    current: attack('character'),
    model: attack('model'),
    version: attack('version'),
  });
  const roomName = short('room');
  await guest.ask('/rooms', 'CREATE_ROOM', { roomName, open: true, mode: 'Immediate' });
  await guest.ask('/llm', 'message', { targetRoom: roomName, data: attack('message') });
  const requestId = short('request');
  const order = { requestId, target: tavern.identity, targetRoom: roomName };
  await guest.order({ ...order, message: attack('order') });
  new Answer(tavern, await requestOf(tavern)).start().write(attack('answer')).fail(attack('error'));
  await guest.tap().first('REQUEST_STATUS_UPDATE', { requestId, status: 'failed' });
  await assert.rejects(connectClient(house.url, { clientId: short('stranger') }), Refused);
  const { requests } = await monitor.ask('/debug', 'GET_REQUESTS', {});
  const { seq } = requests.find((each) => each.requestId === requestId);
  return { guest, tavern, clientId, room: roomName, seq };
}

/** What is in the page that only a hostile text can have brought there. */
async function foreign(desk) {
  return desk.page.evaluate(() => ({
    images: [...document.querySelectorAll('img')].map(({ outerHTML }) => outerHTML),
    scripts: [...document.scripts].filter(({ src }) => !src).length,
    handlers: [...document.querySelectorAll('*')].flatMap((each) =>
      each.getAttributeNames().filter((name) => name.startsWith('on')),
    ),
    links: [...document.links].map(({ href }) => href).filter((href) => /^javascript:/i.test(href)),
  }));
}

inBothLanguages('no text of a client ever becomes an element or a script', async (house, language) => {
  const { guest, tavern, clientId, room, seq } = await attackers(house);
  const desk = await house.operator({ language, width: 1600 });
  const seen = new Set();
  const looks = [
    ...views({ room, seq, client: clientId }),
    ['requests of', `requests/instance/${encodeURIComponent(tavern.identity)}`],
  ];
  for (const [name, path] of looks) {
    await desk.go(path, null);
    await desk.page.getByRole('heading', { level: 1 }).first().waitFor();
    if (name in shownFirst) await desk.page.getByText(shownFirst[name]).first().waitFor();
    const found = await foreign(desk);
    const texts = await desk.page.evaluate(() => document.body.innerText);
    for (const [, from] of texts.matchAll(/hacked\('([\w ]+)'\)/g)) seen.add(from);

    assert.deepEqual(found, { images: [], scripts: 0, handlers: [], links: [] }, name);
  }
  await guest.leave();

  const shown = ['character', 'desc', 'error', 'id', 'instance', 'message', 'model', 'name', 'room'];
  assert.deepEqual(shown.filter((from) => !seen.has(from)), [], 'not shown as texts');
}, { ms: 60_000 });

inBothLanguages('dialogs and toasts say hostile names as they are', async (house, language) => {
  const { guest, tavern } = await attackers(house);
  const { identity } = tavern;
  const desk = await house.operator({ language });
  await desk.go('instances');
  await desk.button('instances.removeOne', { identity }).click();
  await desk.dialog.getByText(identity).first().waitFor();
  await desk.confirm('core.cancel');
  await desk.button('instances.drainOne', { identity }).click();
  await desk.says('instances.drained', { identity });
  await desk.button('instances.fillOne', { identity }).click();
  await desk.says('instances.filled', { identity });
  const found = await foreign(desk);
  await guest.leave();

  assert.deepEqual(found, { images: [], scripts: 0, handlers: [], links: [] });
});
