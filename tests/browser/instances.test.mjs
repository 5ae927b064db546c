// The instances: how they are, draining and removing them, and which room has which.

import assert from 'node:assert/strict';

import { Answer, requestOf } from '../integration/js/tavern.mjs';

import { inBothLanguages, scene } from './scene.mjs';

const card = (desk, { identity }) =>
  desk.page.getByRole('listitem').filter({ has: desk.page.getByRole('heading', { name: identity, exact: true }) });

const stateOf = (desk, tavern, state) =>
  card(desk, tavern).getByText(desk.t(`instances.state.${state}`), { exact: true });

/** Do something under a policy; whatever comes of it, the next scene finds Free. */
async function under(house, policy, action) {
  const monitor = await house.monitor();
  const set = (wanted) =>
    monitor.ask('/rooms', 'SET_CONNECTION_POLICY', { policy: wanted });
  await set(policy);
  try {
    return await action(monitor);
  } finally {
    await set('Free');
  }
}

inBothLanguages('an instance shows what it is and does, and that it is lost', async (house, language) => {
  const hello = { characters: ['Barkeeper'], current: 'Barkeeper', model: 'mistral-7b' };
  const [tavern, guest] = await Promise.all([
    house.tavern({ ...hello, capacity: 2 }),
    house.guest(),
  ]);
  const desk = await house.operator({ language });
  await desk.go('instances');
  await stateOf(desk, tavern, 'idle').waitFor();
  await card(desk, tavern).getByText('Barkeeper', { exact: true }).waitFor();
  await card(desk, tavern).getByText('mistral-7b').waitFor();
  await guest.order({ requestId: 'for-show', target: tavern.identity });
  await stateOf(desk, tavern, 'busy').waitFor();
  const running = { running: 1, capacity: 2 };
  await card(desk, tavern).getByText(desk.t('instances.runningOf', running)).waitFor();
  const answer = new Answer(tavern, await requestOf(tavern));
  answer.start().write('Here you are.').end();
  const success = { rate: '100%', ended: 1 };
  await card(desk, tavern).getByText(desk.t('instances.successOf', success)).waitFor();
  await tavern.cut();
  await stateOf(desk, tavern, 'lost').waitFor();
  await desk.gone(card(desk, tavern));
});

inBothLanguages('an instance that is drained finishes what it has and gets nothing new', async (house, language) => {
  const [tavern, guest] = await Promise.all([house.tavern(), house.guest()]);
  const { identity } = tavern;
  const desk = await house.operator({ language });
  await guest.order({ requestId: 'before', target: identity });
  const answer = new Answer(tavern, await requestOf(tavern));
  await desk.go('instances');
  await desk.button('instances.drainOne', { identity }).click();
  await stateOf(desk, tavern, 'draining').waitFor();
  const refused = await guest.order({ requestId: 'meanwhile', target: identity });
  answer.start().write('Last one.').end();
  await guest.tap().first('REQUEST_STATUS_UPDATE', { requestId: 'before', status: 'completed' });
  await desk.button('instances.fillOne', { identity }).click();
  await stateOf(desk, tavern, 'idle').waitFor();
  const taken = await guest.order({ requestId: 'after', target: identity });

  assert.equal(refused.code, 10503);
  assert.match(refused.message, /drain/);
  assert.equal(taken.status, 'ok');
});

inBothLanguages('an instance is removed once the operator has said so twice', async (house, language) => {
  const tavern = await house.tavern();
  const { identity } = tavern;
  const desk = await house.operator({ language });
  await desk.go('instances');
  tavern.manager.reconnection(false);
  await desk.button('instances.removeOne', { identity }).click();
  await desk.confirm('core.cancel');
  await stateOf(desk, tavern, 'idle').waitFor();
  await desk.button('instances.removeOne', { identity }).click();
  await desk.confirm('instances.remove.confirm');
  await tavern.tap().first('disconnect');
  await desk.gone(card(desk, tavern));
});

inBothLanguages('an operator chooses the policy', async (house, language) => {
  const desk = await house.operator({ language });
  const choice = (policy) =>
    desk.page.getByRole('button', { name: desk.t(`instances.policy.name.${policy}`) });
  const chosen = (policy) =>
    desk.page.getByRole('button', { name: desk.t(`instances.policy.name.${policy}`), pressed: true });
  await under(house, 'Free', async (monitor) => {
    await desk.go('instances');
    await chosen('Free').waitFor();
    await choice('Balanced').click();
    await chosen('Balanced').waitFor();
    const { policy } = await monitor.ask('/rooms', 'GET_CONNECTION_POLICY', {});
    await monitor.ask('/rooms', 'SET_CONNECTION_POLICY', { policy: 'Random' });
    await chosen('Random').waitFor();

    assert.equal(policy, 'Balanced');
  });
});

inBothLanguages('a room is given its instance by the keyboard alone', async (house, language) => {
  const [tavern, guest] = await Promise.all([house.tavern(), house.guest()]);
  const room = guest.auth.clientId;
  await under(house, 'Manual', async (monitor) => {
    const desk = await house.operator({ language });
    await desk.go('instances');
    await desk.button('instances.assign.chooseFor', { room }).focus();
    await desk.page.keyboard.press('Enter');
    await desk.dialog.getByLabel(tavern.identity).focus();
    await desk.page.keyboard.press('Space');
    await desk.button('instances.assign.ask.confirm', { within: desk.dialog }).focus();
    await desk.page.keyboard.press('Enter');
    await desk.button('instances.assign.take', { identity: tavern.identity, room }).waitFor();
    const given = await monitor.ask('/rooms', 'GET_ASSIGNMENTS_FOR_ROOM', room);
    await desk.button('instances.assign.take', { identity: tavern.identity, room }).focus();
    await desk.page.keyboard.press('Enter');
    await desk.button('instances.assign.take', { identity: tavern.identity, room }).waitFor({ state: 'detached' });
    const taken = await monitor.ask('/rooms', 'GET_ASSIGNMENTS_FOR_ROOM', room);

    assert.deepEqual(given.assignments, [tavern.identity]);
    assert.deepEqual(taken.assignments, []);
  });
});

scene('a room is given its instance by dragging', async (house) => {
  const [tavern, guest] = await Promise.all([house.tavern(), house.guest()]);
  const room = guest.auth.clientId;
  await under(house, 'Manual', async (monitor) => {
    const desk = await house.operator();
    await desk.go('instances');
    const tray = desk.page.getByRole('list', { name: desk.t('instances.assign.tray') });
    const row = desk.page
      .getByRole('listitem')
      .filter({ has: desk.button('instances.assign.chooseFor', { room }) });
    await tray.getByText(tavern.identity, { exact: true }).dragTo(row);
    await desk.button('instances.assign.take', { identity: tavern.identity, room }).waitFor();
    const { assignments } = await monitor.ask('/rooms', 'GET_ASSIGNMENTS_FOR_ROOM', room);

    assert.deepEqual(assignments, [tavern.identity]);
  });
});
