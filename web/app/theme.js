/**
 * Light and dark.
 *
 * Owns `data-theme` of the document. `auto` goes by what the system wants.
 */

import { KEPT, inBrowser } from './memory.js';

export const THEMES = Object.freeze(['auto', 'light', 'dark']);

const listeners = new Set();
let current = 'auto';

/** Show what was chosen the last time, from the start. */
export function startTheme() {
  const kept = inBrowser.get(KEPT.THEME);
  current = THEMES.includes(kept) ? kept : 'auto';
  document.documentElement.dataset.theme = current;
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tellAll);
}

/** @returns {'auto' | 'light' | 'dark'} */
export function theme() {
  return current;
}

export function setTheme(name) {
  if (!THEMES.includes(name)) return;
  current = name;
  document.documentElement.dataset.theme = name;
  inBrowser.set(KEPT.THEME, name);
  tellAll();
}

/** Hear when colours have changed. @returns {() => void} stops listening */
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What a colour of console.css is in the theme in use; for what CSS cannot reach. */
export function colour(name) {
  const probe = document.createElement('span');
  probe.style.setProperty('color', `var(--${name})`);
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function tellAll() {
  for (const listener of [...listeners]) listener(current);
}
