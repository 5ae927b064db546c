/**
 * Short words at the edge of the page, about what was just done or went wrong.
 *
 * Owns the two live regions. What is said goes by itself; a complaint takes longer and
 * can be put away.
 */

import { h, iconButton } from './element.js';
import { t } from './i18n.js';

const SAID_FOR = 5_000;
const COMPLAINED_FOR = 15_000;
const AT_ONCE = 4;

let corner = null;
const regions = {};

/** Say what was done. */
export function say(text) {
  put('status', text, SAID_FOR);
}

/** Say what went wrong. @param {Error | string} error */
export function complain(error) {
  const text = typeof error === 'string' ? error : error?.message;
  put('alert', text || t('core.somethingFailed'), COMPLAINED_FOR);
}

function put(role, text, lasting) {
  corner ??= makeCorner();
  // Beside an open dialog nothing can be seen well, pressed or heard.
  const place = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
  if (corner.parentElement !== place) place.append(corner);
  const region = regions[role];
  const toast = h('div', { class: 'toast', dataset: { role } }, h('p', text));
  toast.append(iconButton({ label: t('core.close'), icon: 'close', onClick: () => toast.remove() }));
  region.append(toast);
  while (region.children.length > AT_ONCE) region.firstElementChild.remove();
  setTimeout(() => toast.remove(), lasting);
}

function makeCorner() {
  regions.status = h('div', { role: 'status', class: 'toasts-part' });
  regions.alert = h('div', { role: 'alert', class: 'toasts-part' });
  return h('div', { class: 'toasts' }, regions.alert, regions.status);
}
