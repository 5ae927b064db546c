// Headless Chromium, and what a test does in a page of SillyTavern.

import { execFileSync } from 'node:child_process';

import { chromium } from 'playwright-core';

import { BROWSER_FINDER } from './places.mjs';
import { noteKeysOf } from './secrets.mjs';

const READY_TIMEOUT = 60_000;

/** Start Chromium with a fresh profile. */
export async function startChromium() {
  return chromium.launch({
    executablePath: execFileSync(BROWSER_FINDER, { encoding: 'utf8' }).trim(),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

// In the page: nobody else could close a WebSocket behind its owner's back.
function keepWebSockets() {
  globalThis.webSockets = [];
  globalThis.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      globalThis.webSockets.push(this);
    }
  };
}

/** SillyTavern as its user has it before him: one tab. */
export class Tab {
  /** What the page complained of. */
  complaints = [];

  constructor(page) {
    this.page = page;
    noteKeysOf(page);
    page.on('pageerror', (error) => this.complaints.push(error.stack ?? `${error}`));
  }

  /** Open SillyTavern and wait until a chat is there and the LLM is known. */
  static async open(context, url) {
    const tab = new Tab(await context.newPage());
    await tab.page.addInitScript(keepWebSockets);
    await tab.page.goto(url);
    await tab.loaded();
    return tab;
  }

  async loaded() {
    await this.page.waitForFunction(
      () => {
        const context = globalThis.SillyTavern?.getContext();
        const idle = !document.getElementById('preloader');
        return (
          idle && context?.chat.length > 0 && context.onlineStatus !== 'no_connection'
        );
      },
      undefined,
      { timeout: READY_TIMEOUT },
    );
  }

  /** Have the LLM answer once more, beside the last answer. */
  async swipe() {
    await this.page.locator('#chat .last_mes .swipe_right').click();
  }

  /** Lose all WebSockets, without a farewell from those who use them. */
  async cut() {
    await this.page.evaluate(() => globalThis.webSockets.forEach((each) => each.close()));
  }

  /** Put the tab to sleep, as browsers do with those that are not looked at. */
  async freeze() {
    await this.#lifecycle('frozen');
  }

  /** Wake it up again. */
  async thaw() {
    await this.#lifecycle('active');
  }

  async #lifecycle(state) {
    const session = await this.page.context().newCDPSession(this.page);
    await session.send('Page.setWebLifecycleState', { state });
    await session.detach();
  }

  /** Lose the renderer, as when the machine runs out of memory. */
  async crash() {
    const session = await this.page.context().newCDPSession(this.page);
    const crashed = this.page.waitForEvent('crash');
    session.send('Page.crash').catch(() => {});
    await crashed;
  }

  /** Have SillyTavern's settings on its disk, which it else writes a second later. */
  async saveSettings() {
    await this.page.evaluate(async () => {
      const { saveSettings } = await import('/script.js');
      await saveSettings();
    });
  }

  async reload() {
    await this.page.reload();
    await this.loaded();
  }

  /** Evaluate in the page, with `SillyTavern.getContext()` as the first argument. */
  async context(body, argument) {
    return this.page.evaluate(
      `(${body})(SillyTavern.getContext(), ${JSON.stringify(argument)})`,
    );
  }

  /** The last messages of the chat, as `name: text`. */
  async said(count) {
    return this.context(
      (context, last) =>
        context.chat.slice(-last).map(({ name, mes }) => `${name}: ${mes}`),
      count,
    );
  }

  /** The same as they are to be seen on the screen. */
  async shown(count) {
    const texts = await this.page.locator('#chat .mes .mes_text').allInnerTexts();
    return texts.slice(-count).map((text) => text.trim());
  }

  /** Begin a new chat with the same character. */
  async newChat() {
    await this.page.evaluate(async () => {
      const { doNewChat } = await import('/script.js');
      await doNewChat({ deleteCurrentChat: false });
    });
  }

  get draft() {
    return this.page.locator('#send_textarea');
  }

  /** Click the button that stops a generation. */
  async clickStop() {
    await this.page.locator('#mes_stop').click();
  }

  async picture(path) {
    await this.page.screenshot({ path });
  }
}
