// The requests: those in flight, what one of them says, and what one can do about it.

import assert from 'node:assert/strict';

import { requestOf, Answer, tell } from '../integration/js/tavern.mjs';

import { inBothLanguages, scene } from './scene.mjs';

let orders = 0;

/** Order from a SillyTavern; the requestId, once the broker has accepted it. */
async function order(guest, tavern, fields = {}) {
  orders += 1;
  const requestId = `asked-for-${String(orders).padStart(3, '0')}`;
  const ack = await guest.order({ requestId, target: tavern?.identity, ...fields });
  assert.equal(ack.status, 'ok', ack.message);
  return requestId;
}

/** The answer that a SillyTavern is asked for, not begun yet. */
async function asked(tavern, count = 1) {
  return new Answer(tavern, await requestOf(tavern, count));
}

/** Open a request from the list, as one does. */
async function open(desk, requestId) {
  await desk.go('requests');
  const name = desk.t('requests.open', { id: requestId });
  await desk.row(requestId).getByRole('button', { name }).click();
  await desk.heading('requests.facts').waitFor();
}

const answerOf = (desk) => desk.page.getByRole('log').first();

inBothLanguages('a request appears in the list as it goes through its states', async (house, language) => {
  const [tavern, guest] = await Promise.all([house.tavern(), house.guest()]);
  const desk = await house.operator({ language });
  await desk.go('requests');
  const requestId = await order(guest, tavern);
  const row = desk.row(requestId);
  await row.getByText(desk.t('requests.state.sent')).waitFor();
  const second = await order(guest, tavern);
  const waits = desk.t('requests.state.queuedAt', { position: 1 });
  await desk.row(second).getByText(waits).waitFor();
  const answer = await asked(tavern);
  answer.start().write('Once ');
  await row.getByText(desk.t('requests.state.streaming')).waitFor();
  answer.write('upon a time.').end();
  await row.getByText(desk.t('requests.state.completed')).waitFor();

  assert.match(await row.innerText(), new RegExp(guest.auth.clientId));
  assert.match(await row.innerText(), new RegExp(tavern.identity));
});

inBothLanguages('one request is watched while its answer is written', async (house, language) => {
  const [tavern, guest] = await Promise.all([house.tavern(), house.guest()]);
  const desk = await house.operator({ language });
  const requestId = await order(guest, tavern);
  await open(desk, requestId);
  const answer = await asked(tavern);
  answer.start().write('Once ');
  await answerOf(desk).getByText('Once').waitFor();
  answer.write('upon ', 'a time');
  await answerOf(desk).getByText('Once upon a time', { exact: true }).waitFor();
  answer.write(', the end.').end();
  await answerOf(desk).getByText('Once upon a time, the end.').waitFor();
  await desk.says('requests.about.completed');

  assert.equal(await desk.button('requests.cancel').isVisible(), false);
});

inBothLanguages('an operator cancels a request of somebody else', async (house, language) => {
  const [tavern, guest] = await Promise.all([house.tavern(), house.guest()]);
  const desk = await house.operator({ language });
  const requestId = await order(guest, tavern);
  await open(desk, requestId);
  const answer = await asked(tavern);
  answer.start().write('Once ');
  await desk.button('requests.cancel').click();
  await desk.confirm('requests.cancel.confirm');
  await desk.says('requests.about.cancelled');
  await tavern.tap().first('CANCEL_REQUEST', { requestId: answer.requestId });
  const over = { requestId, status: 'cancelled' };
  await guest.tap().first('REQUEST_STATUS_UPDATE', over);
});

scene('a request is cancelled from the list, and kept by who thinks better of it', async (house) => {
  const [tavern, guest] = await Promise.all([house.tavern(), house.guest()]);
  const desk = await house.operator();
  const id = await order(guest, tavern);
  await desk.go('requests');
  await desk.button('requests.cancelOne', { id }).click();
  await desk.confirm('core.cancel');
  await desk.row(id).getByText(desk.t('requests.state.sent')).waitFor();
  await desk.button('requests.cancelOne', { id }).click();
  await desk.confirm('requests.cancel.confirm');
  await desk.row(id).getByText(desk.t('requests.state.cancelled'), { exact: true }).waitFor();
});

inBothLanguages('a request that failed says why, and what to do about it', async (house, language) => {
  const [tavern, guest] = await Promise.all([house.tavern(), house.guest()]);
  const desk = await house.operator({ language });
  const requestId = await order(guest, tavern);
  (await asked(tavern)).start().write('Once ').fail('the cellar is flooded');
  await guest.tap().first('REQUEST_STATUS_UPDATE', { requestId, status: 'failed' });
  await desk.go('requests/failed');
  await desk.row(requestId).getByText('the cellar is flooded').waitFor();
  await open(desk, requestId);
  await desk.heading('requests.why').waitFor();
  await desk.page.getByText('the cellar is flooded').first().waitFor();
  await desk.says('requests.advice.10401');
});

scene('filters leave the failed ones, those in flight, and those of an instance', async (house) => {
  const [idle, busy, guest] = await Promise.all([
    house.tavern({ behaviour: tell('Here you are.') }),
    house.tavern(),
    house.guest(),
  ]);
  const desk = await house.operator();
  const [done, flying] = [await order(guest, idle), await order(guest, busy)];
  await guest.tap().first('REQUEST_STATUS_UPDATE', { requestId: done, status: 'completed' });
  await desk.go('requests');
  await desk.row(done).getByText(desk.t('requests.state.completed')).waitFor();
  await desk.button('requests.shown.flight').click();
  await desk.gone(desk.row(done));
  await desk.row(flying).waitFor();
  await desk.button('requests.shown.all').click();
  await desk.field('requests.instance').selectOption(idle.identity);
  await desk.row(done).waitFor();
  await desk.gone(desk.row(flying));
  await desk.field('requests.instance').selectOption('');
  await desk.field('requests.words').fill(flying);
  await desk.row(flying).waitFor();
  await desk.gone(desk.row(done));
});
