// Headless Chromium, and what every page of a test is watched for.

import { execFileSync } from 'node:child_process';

import { chromium } from 'playwright-core';

import { noteKeysOf } from '../e2e/secrets.mjs';

import { BROWSER_FINDER } from './places.mjs';

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

/**
 * In the page, before anything of it runs: note what must not happen in it.
 *
 * `hacked` is what hostile texts call. WebSockets are kept, because nobody else could
 * close one behind its owner's back.
 */
function watch() {
  const seen = { violations: [], hacks: [], longTasks: [], sockets: [] };
  globalThis.seen = seen;
  globalThis.hacked = (by) => seen.hacks.push(`${by}`);
  globalThis.addEventListener('securitypolicyviolation', (event) => {
    seen.violations.push(
      `${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}`,
    );
  });
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      seen.longTasks.push({ startTime, duration });
  }).observe({ type: 'longtask', buffered: true });
  globalThis.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      seen.sockets.push(this);
    }
  };
}

/** A page of its own, as a browser of that language, theme and width shows it. */
export async function newPage(browser, { locale, theme, width, height }) {
  const context = await browser.newContext({
    locale,
    colorScheme: theme,
    viewport: { width, height },
    reducedMotion: 'reduce',
    acceptDownloads: true,
  });
  await context.addInitScript(watch);
  context.on('page', noteKeysOf);
  return context.newPage();
}
