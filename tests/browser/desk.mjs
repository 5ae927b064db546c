// A desk at which an operator sits: one page of the console, used as people use it.
//
// Everything is found by its role and by the name that is read out for it, so that what
// a test can use, somebody who sees nothing can use as well.

import assert from 'node:assert/strict';

import { words } from './words.mjs';

const PATIENCE = 10_000;

/** What a browser says by itself when a broker is away or refuses; the page says it, too. */
const EXPECTED = /ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_SOCKET|WebSocket connection|status of 401/;

export class Desk {
  #complaints = [];

  constructor(page, { url, language }) {
    this.page = page;
    this.url = url;
    this.language = language;
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => this.#complaints.push(error.stack ?? `${error}`));
    page.on('dialog', (dialog) => {
      this.#complaints.push(`a dialog of the browser: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    page.on('console', (message) => {
      const text = message.text();
      if (message.type() === 'error' && !EXPECTED.test(text)) this.#complaints.push(text);
    });
  }

  /** A text of the console in this desk's language. */
  t(key, parameters) {
    return words(this.language, key, parameters);
  }

  // -- finding

  #named(role, key, { within = this.page, ...parameters } = {}) {
    return within.getByRole(role, { name: this.t(key, parameters), exact: true });
  }

  button(key, options) {
    return this.#named('button', key, options);
  }

  link(key, options) {
    return this.#named('link', key, options);
  }

  heading(key, options) {
    return this.#named('heading', key, options);
  }

  /** What one fills in or chooses, by its label. */
  field(key, { within = this.page, ...parameters } = {}) {
    return within.getByLabel(this.t(key, parameters), { exact: true });
  }

  /** The dialog that is open. */
  get dialog() {
    return this.page.getByRole('dialog');
  }

  /** A row of a table that has this text somewhere. */
  row(text) {
    return this.page.getByRole('row').filter({ hasText: text });
  }

  // -- doing

  /** Go to a view by its address; `key` names its heading. */
  async go(path, key = `${path.split('/')[0]}.title`) {
    await this.page.evaluate((to) => {
      location.hash = `#/${to}`;
    }, path);
    if (key) await this.heading(key).first().waitFor();
  }

  /** Fill in the form of the sign-in, and come in. */
  async signIn({ clientId, key, remember = false }) {
    await this.fillIn({ clientId, key, remember });
    await this.cameIn();
  }

  async fillIn({ clientId, key, remember = false }) {
    await this.field('core.clientId').fill(clientId);
    await this.field('core.key').fill(key);
    if (remember) await this.field('core.remember').check();
    await this.button('core.signIn').click();
  }

  /** Come back once the broker's figures are on the page. */
  async cameIn() {
    await this.page.getByRole('navigation').first().waitFor();
    await this.state('online');
  }

  /** Come back once the page says this of its connection. */
  async state(name) {
    await this.page.getByText(this.t(`core.link.${name}`)).first().waitFor();
  }

  /** Answer the question that is open. */
  async confirm(key, parameters) {
    await this.button(key, { within: this.dialog, ...parameters }).click();
    await this.dialog.waitFor({ state: 'detached' });
  }

  /** Come back once the page has said this. */
  async says(key, parameters) {
    await this.page.getByText(this.t(key, parameters)).first().waitFor();
  }

  /** Have one element fewer on the way: come back once it is gone. */
  async gone(locator) {
    await locator.waitFor({ state: 'detached' });
  }

  /** Lose all WebSockets, without a farewell from those who use them. */
  async cut() {
    await this.page.evaluate(() => globalThis.seen.sockets.forEach((each) => each.close()));
  }

  async picture(path) {
    await this.page.screenshot({ path });
  }

  // -- judging

  /** What the page was seen to do since it was opened. */
  async seen() {
    return this.page.evaluate(() => ({ ...globalThis.seen, sockets: undefined }));
  }

  /** Nothing went wrong in the page, nothing foreign ran, nothing broke its policy. */
  async wasFaultless() {
    if (this.page.isClosed()) return;
    const { violations, hacks } = await this.seen();
    assert.deepEqual(hacks, [], 'a script of somebody else ran');
    assert.deepEqual(violations, [], 'the policy of the page was broken');
    assert.deepEqual(this.#complaints, [], 'the page complained');
  }

  async close() {
    if (this.page.isClosed()) return;
    await this.page.context().close();
  }
}
