/**
 * Tapster's extension of SillyTavern: puts the parts together once SillyTavern is ready.
 *
 * Owns the parts. Decides nothing that a part could decide.
 */

import { Announcements } from './announcements.js';
import { ChatEditor } from './chat_editor.js';
import { Connection, STATE } from './connection.js';
import { answerFromMessages } from './from_messages.js';
import { Functions } from './functions.js';
import { answerInChat } from './in_chat.js';
import { Jobs } from './jobs.js';
import { brokerAddress, clientIdOf, randomSuffix } from './naming.js';
import { Panel } from './panel.js';
import { Report } from './report.js';
import { Tavern } from './tavern.js';
import { textsIn } from './texts.js';
import { Manager } from './vendor/socket.io.esm.min.js';
import { ASK_FOR_KEY, EVENT } from './wire.js';

/** Which of this SillyTavern's tabs this is. */
const PAGE = randomSuffix();

const tavern = new Tavern();
const { context } = tavern;
context.eventSource.once(context.eventTypes.APP_READY, open);

async function open() {
  await tavern.learnVersion().catch(() => {});
  const text = textsIn(tavern.context.getCurrentLocale());
  const { jobs, connection } = makeParts();
  const panel = new Panel({ settings: () => tavern.settings, text });
  panel.show();
  keepInStep({ panel, jobs, connection, text });
  tavern.save();
  if (tavern.settings.connect) connection.connect();
}

function makeParts() {
  const port = {
    open: () => connection.open,
    emit: (event, data, ack) => connection.say(event, data, ack),
  };
  const runners = {
    chat: (...job) => answerInChat(tavern, ...job),
    messages: (...job) => answerFromMessages(tavern, ...job),
  };
  const jobs = new Jobs({ port, runners, allow: () => tavern.settings.allow });
  const connection = new Connection({
    manager: (url, options) => new Manager(url, options),
    address: () => brokerAddress(tavern.settings.address),
    identity,
    card: () => ({ ...report.card(), running: jobs.running }),
    keepKey: (key) => setKey(key),
    forgetKey,
    rename,
  });
  const report = new Report(tavern, connection);
  const announcements = new Announcements(tavern, connection);
  const functions = new Functions(tavern, new ChatEditor(tavern), jobs);
  connection.addEventListener('sockets', ({ detail: sockets }) => {
    sockets.door.on(EVENT.SUBSCRIBE_EVENTS, (wish) => announcements.want(wish));
    sockets.llm.on(EVENT.LLM_REQUEST, (request) => jobs.take(request));
    sockets.llm.on(EVENT.CANCEL_REQUEST, ({ requestId }) => jobs.cancel(requestId));
    sockets.functions.on(EVENT.FUNCTION_CALL, async (call, ack) => {
      const answer = await functions.answer(call);
      if (typeof ack === 'function') ack(answer);
    });
  });
  connection.addEventListener('online', () => jobs.repeat());
  connection.addEventListener('takenOver', () => jobs.dropAll());
  return { jobs, connection };
}

function keepInStep({ panel, jobs, connection, text }) {
  const { toastr } = globalThis;
  let before = STATE.OFF;
  const show = () => {
    const { state, reason, clientId, backAt } = connection;
    panel.showState({ state, reason, clientId, backAt, busy: jobs.busy });
    if (state === before) return;
    before = state;
    panel.refresh();
    if (state === STATE.REFUSED) toastr.warning(text('refusedToast', { reason }), 'Tapster');
    if (state !== STATE.ONLINE) panel.showQueue(null);
  };
  connection.addEventListener('change', show);
  connection.addEventListener('takenOver', () => {
    toastr.info(text('takenOverToast'), 'Tapster');
  });
  connection.addEventListener('elsewhere', () => {
    const onclick = () => connection.takeOver();
    toastr.info(text('elsewhereToast'), 'Tapster', { onclick, timeOut: 15_000 });
  });
  jobs.addEventListener('change', () => {
    panel.showJobs(jobs.recent);
    show();
  });
  panel.addEventListener('connect', () => connection.connect());
  panel.addEventListener('disconnect', () => connection.disconnect());
  panel.addEventListener('takeOver', () => connection.takeOver());
  panel.addEventListener('look', async () => panel.showQueue(await connection.queued()));
  panel.addEventListener('key', ({ detail: key }) => setKey(key || undefined));
  panel.addEventListener('settings', ({ detail: name }) => {
    tavern.save();
    const elsewhere = name === 'address' && connection.state !== STATE.OFF;
    if (elsewhere) connection.connect();
  });
  show();
}

/** @returns {import('./connection.js').Identity} */
function identity() {
  const { suffix, keys, instance, askForKey, password } = tavern.settings;
  const clientId = clientIdOf(globalThis.location, suffix);
  return {
    clientId,
    instance,
    page: PAGE,
    key: keys[clientId] ?? (askForKey ? ASK_FOR_KEY : ''),
    password: askForKey ? password : '',
    desc: `SillyTavern ${tavern.version}`.trim(),
  };
}

function setKey(key) {
  const { keys, suffix } = tavern.settings;
  const clientId = clientIdOf(globalThis.location, suffix);
  if (key === undefined) delete keys[clientId];
  else keys[clientId] = key;
  tavern.save();
}

/** The broker knows it no more: what was typed stays, to be seen to. */
function forgetKey() {
  if (tavern.settings.askForKey) setKey(undefined);
}

/** Another SillyTavern is called as we are: be told apart from now on. */
function rename() {
  const { settings } = tavern;
  settings.suffix = settings.suffix ? randomSuffix() : settings.instance;
  tavern.save();
}
