// A real broker, those who come to it, and the browser in which somebody looks on.
//
// Tests share a house as long as they can. What a test changes in it, a room or a policy,
// is its own to tidy up; who came for it is sent home by `sayGoodbye`.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Broker } from '../e2e/broker.mjs';
import { searchLogs } from '../e2e/secrets.mjs';
import { connectClient, fakeExtension } from '../integration/js/tavern.mjs';

import { newPage, startChromium } from './browser.mjs';
import { Desk } from './desk.mjs';
import { localeOf } from './words.mjs';

/** So many guests, and as many SillyTaverns, are trusted. */
const TRUSTED = 400;
const WIDE = { width: 1280, height: 900 };

/** What a house needs in which tests hurry: nobody is kept waiting or put off. */
const HURRIED = {
  monitorsMayGetKey: true,
  reconnectGrace: 1,
  newKeysPerMinute: 10_000,
  connectionsPerAddress: 5_000,
  wrongKeysPerMinute: 100,
};

/** One Chromium for all houses of a run. */
let browser = null;

function trusted() {
  const numbers = Array.from({ length: TRUSTED }, (_, index) => index + 1);
  const guests = numbers.map((number) => [`guest-${number}`, {}]);
  const taverns = numbers.map((number) => [`SillyTavern-${number}`, {}]);
  const monitors = ['monitor', 'operator'].map((id) => [id, { clientType: 'monitor' }]);
  return Object.fromEntries([...guests, ...taverns, ...monitors]);
}

// In the page, before anything of it runs: as web/app/memory.js keeps it in a tab.
function rememberInTab(credentials) {
  sessionStorage.setItem('tapster.signIn', JSON.stringify(credentials));
}

export class House {
  #server;
  #clients;
  #root;
  #guests = 0;
  #taverns = 0;
  #present = new Set();
  #desks = new Set();
  #monitor = null;

  /** `server` are settings of the broker, `clients` those it trusts, by their ids. */
  constructor({ server = HURRIED, clients = trusted() } = {}) {
    this.#server = server;
    this.#clients = clients;
  }

  async open() {
    this.#root = await mkdtemp(join(tmpdir(), 'tapster-browser-'));
    const root = join(this.#root, 'broker');
    this.broker = new Broker({ root, clients: this.#clients, server: this.#server });
    await this.broker.prepare();
    await this.broker.start();
    browser ??= startChromium();
    return this;
  }

  /** Where the files of this house are. */
  get root() {
    return this.#root;
  }

  get url() {
    return this.broker.url;
  }

  /** All pages that are open. */
  get desks() {
    return [...this.#desks];
  }

  /** A page of the console, signed in or not, in a browser of its own. */
  async desk({ language = 'en', theme = 'light', path = '/', signedIn, ...window } = {}) {
    const size = { ...WIDE, ...window };
    const locale = localeOf(language);
    const page = await newPage(await browser, { locale, theme, ...size });
    if (signedIn) await page.addInitScript(rememberInTab, signedIn);
    const desk = new Desk(page, { url: this.url, language });
    this.#desks.add(desk);
    await page.goto(`${this.url}${path}`);
    return desk;
  }

  /** A page at which an operator sits, who has signed in in this tab before. */
  async operator(options = {}) {
    const { operatorKey: key } = await this.monitor();
    const desk = await this.desk({ ...options, signedIn: { clientId: 'operator', key } });
    await desk.cameIn();
    return desk;
  }

  /** The monitor that is nobody's page, in every namespace; it stays for all scenes. */
  async monitor() {
    this.#monitor ??= this.#hire();
    return this.#monitor;
  }

  async #hire() {
    const namespaces = ['/llm', '/rooms', '/clients', '/debug'];
    const auth = { clientId: 'monitor', clientType: 'monitor', namespaces };
    const monitor = await connectClient(this.url, auth);
    const clientId = 'operator';
    const { key } = await monitor.ask('/clients', 'GET_CLIENT_KEY', { clientId });
    monitor.operatorKey = key;
    return monitor;
  }

  /** A client that nobody else is, in `/llm` and wherever else it wants to be. */
  async guest({ namespaces = ['/rooms'], ...auth } = {}) {
    this.#guests += 1;
    const clientId = `guest-${this.#guests}`;
    const joined = { clientId, ...auth, namespaces: ['/llm', ...namespaces] };
    return this.#welcome(await connectClient(this.url, joined));
  }

  /** A SillyTavern; `behaviour(answer, request)`, if there is one, gives its answers. */
  async tavern({ behaviour, identity, desc, clientId, key, ...identify } = {}) {
    this.#taverns += 1;
    const auth = { clientId: clientId ?? `SillyTavern-${this.#taverns}` };
    Object.assign(auth, identity && { identity }, desc && { desc }, key && { key });
    const peer = await fakeExtension(this.url, { ...auth, identify, behaviour });
    peer.identity = auth.identity ?? auth.clientId;
    return this.#welcome(peer);
  }

  #welcome(peer) {
    this.#present.add(peer);
    return peer;
  }

  /** Have all who came to this scene leave. */
  async sayGoodbye() {
    const peers = [...this.#present].map((peer) => peer.leave());
    const desks = this.desks.map((desk) => desk.close());
    await Promise.allSettled([...peers, ...desks]);
    this.#present.clear();
    this.#desks.clear();
  }

  async close() {
    await this.sayGoodbye();
    if (this.#monitor) await (await this.#monitor).leave();
    await this.broker.stop();
    await searchLogs(this.#root);
    await rm(this.#root, { recursive: true, force: true });
  }
}

let shared = null;

/** The house that most tests of this process share. */
export async function openHouse() {
  shared ??= new House().open();
  return shared;
}

/** Close it, and the browser. */
export async function closeHouse() {
  try {
    if (shared) await (await shared).close();
  } finally {
    if (browser) await (await browser).close();
  }
}
