/**
 * What several lists have above them: tabs that are links, a search box, a choice.
 *
 * Owns these elements; says what the user does, decides nothing.
 */

import { field, h } from '../app/element.js';

/** Milliseconds of rest after which a search counts that the broker is asked for. */
const REST = 300;

/** The longest text that is searched for. */
const LONGEST = 200;

/**
 * Tabs as links, so that each has an address.
 * @param {{label: string, current: string, items: Array<{path: string, title: string}>}} parts
 */
export function tabs({ label, current, items }) {
  const links = items.map(({ path, title }) =>
    h('a', { href: `#/${path}`, 'aria-current': path === current ? 'page' : null }, title));
  return h('nav', { class: 'view-tabs', 'aria-label': label }, ...links);
}

/** @param {{label: string, hint: string, onInput: (text: string) => void}} parts */
export function searchBox({ label, hint, onInput }) {
  const input = h('input', {
    type: 'search',
    placeholder: hint,
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: LONGEST,
    onInput: () => onInput(input.value),
  });
  return field({ label, input });
}

/**
 * A choice of one of several.
 * @param {{label: string, options: Array<[string, string]>, value: string,
 *   onChange: (value: string) => void}} parts `options` are values and their titles
 */
export function choice({ label, options, value, onChange }) {
  const titles = options.map(([name, title]) => h('option', { value: name }, title));
  const input = h('select', { onChange: () => onChange(input.value) }, ...titles);
  input.value = value;
  return field({ label, input });
}

/** Call back once nothing more is said for a while; `stop` forgets what was. */
export function afterRest(callback) {
  let timer = null;
  const later = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(callback, REST, ...args);
  };
  later.stop = () => clearTimeout(timer);
  return later;
}
