/**
 * The console: an operator signs in, sees the tavern at a glance, and acts.
 *
 * Owns the order in which the page comes up, and the credentials while somebody is
 * signed in. All else is in app/ (what views stand on) and views/.
 */

import { Manager } from '/lib/socket.io.esm.min.js';

import { choices } from './app/choices.js';
import { Drafts } from './app/drafts.js';
import { FAILED } from './app/element.js';
import { askForKey, givesKeys, redeem, takeToken, whyRefused } from './app/entry.js';
import { House } from './app/house.js';
import { add, locale, onLanguage, t, time } from './app/i18n.js';
import { Link, Refusal, tabIdentity } from './app/link.js';
import { KEPT, PASSING, inBrowser, inTab } from './app/memory.js';
import { Router } from './app/router.js';
import { shell, waiting } from './app/shell.js';
import { signInForm } from './app/sign_in.js';
import { startTheme } from './app/theme.js';
import { complain } from './app/toast.js';
import { TEXTS } from './texts/all.js';
import { view as clients } from './views/clients.js';
import { view as instances } from './views/instances.js';
import { view as logs } from './views/logs.js';
import { view as overview } from './views/overview.js';
import { view as requests } from './views/requests.js';
import { view as rooms } from './views/rooms.js';
import { view as settings } from './views/settings.js';

/** In the order of the navigation. */
const VIEWS = [overview, requests, instances, rooms, clients, logs, settings];

/** Whom the form takes one for. */
const MONITOR = 'monitor';

const app = document.getElementById('app');
const link = new Link({ manager: makeManager, identity });
const house = new House(link, complain);
const drafts = new Drafts();

/** Takes what is shown away again. */
let leave = () => {};
/** Shows it again, in another language. */
let again = () => {};

/** What the broker has written into the page for it. */
function told(name) {
  return document.querySelector(`meta[name="${name}"]`).content;
}

function makeManager() {
  return new Manager(location.origin, {
    path: told('socket-path'),
    autoConnect: false,
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    reconnectionDelay: 500,
    reconnectionDelayMax: 3_000,
  });
}

/** The same over reloads of this tab, another in each tab and for each client. */
function identity(clientId) {
  const kept = inTab.get(PASSING.IDENTITY);
  if (kept?.clientId === clientId) return kept.identity;
  const fresh = { clientId, identity: tabIdentity(clientId) };
  inTab.set(PASSING.IDENTITY, fresh);
  return fresh.identity;
}

function put(show) {
  leave();
  leave = () => {};
  again = () => put(show);
  show();
}

function showSignIn(problem, clientId) {
  drafts.forget();
  put(() => {
    document.title = 'Tapster';
    app.replaceChildren(signInForm({
      problem,
      clientId: clientId ?? MONITOR,
      enter,
      askForKey: givesKeys(told('gives-keys')) ? (id) => askForKey(makeManager, id) : null,
      choices: choices(),
    }));
    app.querySelector('[type=password]').focus();
  });
}

/** Come in with a key, and keep it if the broker knows it. */
async function enter(credentials, remember) {
  await letIn(credentials);
  inTab.set(PASSING.SIGN_IN, credentials);
  if (remember) inBrowser.set(KEPT.SIGN_IN, credentials);
  showConsole();
}

/** @returns {Promise<void>} once we are in; rejects if we are not */
function letIn(credentials) {
  link.connect(credentials);
  return new Promise((resolve, reject) => {
    const off = link.onState((state) => {
      if (state === 'connecting') return;
      queueMicrotask(() => off());
      if (state === 'online') resolve();
      else if (state === 'refused') reject(new Refusal(whyRefused(link), link.code));
      else {
        const { backAt } = link;
        queueMicrotask(() => link.disconnect());
        reject(new Refusal(backAt === null ? t('core.away') : t('core.stopping', { time: time(backAt) })));
      }
    });
  });
}

/** Come back with the key of this tab or of this browser. */
function comeBack(credentials) {
  put(() => {
    const page = waiting({ link, cancel: signOut });
    app.replaceChildren(page.element);
    leave = page.close;
  });
  link.connect(credentials);
  const off = link.onState((state) => {
    if (state === 'online') showConsole();
    else if (state === 'refused') turnedAway(credentials.clientId);
    else return;
    queueMicrotask(() => off());
  });
}

function turnedAway(clientId) {
  inTab.forget(PASSING.SIGN_IN);
  inBrowser.forget(KEPT.SIGN_IN);
  showSignIn(whyRefused(link), clientId);
}

function signOut() {
  inTab.forget(PASSING.SIGN_IN);
  inTab.forget(PASSING.IDENTITY);
  inBrowser.forget(KEPT.SIGN_IN);
  link.disconnect();
  showSignIn();
}

function showConsole() {
  put(() => {
    const { clientId } = link;
    const frame = shell({ views: VIEWS, link, signOut });
    const context = { link, house, drafts, t };
    const router = new Router({ views: VIEWS, context, outlet: frame.outlet, onShow: frame.show });
    app.replaceChildren(frame.element);
    router.start();
    const off = link.onState((state) => {
      if (state === 'refused') queueMicrotask(() => turnedAway(clientId));
    });
    leave = () => {
      off();
      router.stop();
      frame.close();
    };
  });
}

async function start() {
  startTheme();
  TEXTS.forEach(add);
  speak();
  onLanguage(() => {
    speak();
    again();
  });
  addEventListener('unhandledrejection', ({ reason }) => complain(reason));
  document.addEventListener(FAILED, ({ detail: error }) => {
    complain(error);
    // What was refused is no fault; whatever else failed is one of this page's.
    if (!(error instanceof Refusal)) reportError(error);
  });
  house.watch();
  await comeIn(takeToken());
}

async function comeIn(token) {
  const kept = inTab.get(PASSING.SIGN_IN) ?? inBrowser.get(KEPT.SIGN_IN);
  if (!token) {
    if (kept) comeBack(kept);
    else showSignIn();
    return;
  }
  try {
    await enter(await redeem(token), false);
  } catch (error) {
    showSignIn(error.message);
  }
}

function speak() {
  document.documentElement.lang = locale();
}

await start();
