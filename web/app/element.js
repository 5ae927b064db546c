/**
 * Elements, made without HTML.
 *
 * Owns nothing. Every text becomes a text node: what clients call themselves can say
 * `<script>` and is read as these letters. Must never be given HTML to parse.
 */

import { icon as drawIcon } from './icon.js';

/** Set as properties and as attributes, so that elements that look equal are. */
const STATES = new Set(['checked', 'disabled', 'hidden', 'open', 'readOnly', 'required', 'selected']);
const LINKS = new Set(['href', 'src', 'action', 'formaction']);
const SAFE_SCHEMES = new Set(['http:', 'https:', 'blob:']);

/** Said at the document, with the error as `detail`, when what a button did has failed. */
export const FAILED = 'failed';

let fields = 0;

/**
 * Make an element.
 * @param {string} tag
 * @param {object} [props] `class`, `on<Event>` functions, `dataset`, `style` (both
 *   objects), `value`, and attributes; null, undefined and false leave one out
 * @param {...(Node | string | number | null | undefined | false | Array)} children
 * @returns {HTMLElement}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  if (isChild(props)) children.unshift(props);
  else for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  append(element, children);
  return element;
}

/** Have these children and no others. */
export function replace(parent, ...children) {
  parent.replaceChildren(...nodes(children));
  return parent;
}

/**
 * A button. While the promise that `onClick` may give is open, it cannot be pressed
 * again; a promise that fails is `FAILED`, which whoever started the page says.
 * @param {{label: string, icon?: string, onClick?: (event: Event) => unknown,
 *   kind?: 'primary' | 'danger' | 'quiet', disabled?: boolean, type?: string,
 *   title?: string}} parts
 */
export function button({ label, icon, onClick, kind, disabled, type = 'button', title }) {
  const element = h(
    'button',
    { type, class: kind ? `button ${kind}` : 'button', disabled, title },
    icon && drawIcon(icon),
    h('span', label),
  );
  if (onClick) element.addEventListener('click', (event) => press(element, onClick, event));
  return element;
}

/** A button of which only the icon is seen; its label is read and shown on hovering. */
export function iconButton({ label, icon, onClick, disabled }) {
  const element = h(
    'button',
    { type: 'button', class: 'button quiet icon-only', 'aria-label': label, title: label, disabled },
    drawIcon(icon),
  );
  element.addEventListener('click', (event) => press(element, onClick, event));
  return element;
}

/**
 * A labelled input with its hint and what is wrong with it.
 * @param {{label: string, input: HTMLElement, hint?: string, error?: string}} parts
 */
export function field({ label, input, hint, error }) {
  fields += 1;
  input.id ||= `field-${fields}`;
  const note = h('p', { class: 'field-hint', id: `${input.id}-hint` }, hint);
  const wrong = h('p', { class: 'field-error', id: `${input.id}-error`, role: 'alert' });
  input.setAttribute('aria-describedby', `${note.id} ${wrong.id}`);
  const element = h(
    'div',
    { class: 'field' },
    h('label', { for: input.id }, label),
    input,
    hint && note,
    wrong,
  );
  setError(element, error);
  return element;
}

/** Say, or say no more, what is wrong with a field. */
export function setError(element, error = '') {
  const wrong = element.querySelector('.field-error');
  const input = element.querySelector(`[aria-describedby~="${wrong.id}"]`);
  wrong.textContent = error;
  if (error) input.setAttribute('aria-invalid', 'true');
  else input.removeAttribute('aria-invalid');
}

/** A state in one word, with a colour beside it. */
export function pill(label, tone = 'muted') {
  return h('span', { class: 'pill', dataset: { tone } }, label);
}

/** What a list says that has nothing in it: what that means, and what to do. */
export function emptyState(title, hint) {
  return h('div', { class: 'empty' }, h('p', { class: 'empty-title' }, title), hint && h('p', hint));
}

function press(element, onClick, event) {
  const done = onClick(event);
  if (typeof done?.finally !== 'function') return;
  element.disabled = true;
  element.setAttribute('aria-busy', 'true');
  done.finally(() => {
    element.disabled = false;
    element.removeAttribute('aria-busy');
  }).catch((error) => document.dispatchEvent(new CustomEvent(FAILED, { detail: error })));
}

function isChild(value) {
  return typeof value === 'string' || typeof value === 'number'
    || Array.isArray(value) || value instanceof Node;
}

function set(element, name, value) {
  if (value === null || value === undefined) return;
  if (typeof value === 'function' && /^on[A-Z]/.test(name)) {
    element.addEventListener(name.slice(2).toLowerCase(), value);
  } else if (STATES.has(name)) {
    element[name] = value;
    element.toggleAttribute(name.toLowerCase(), Boolean(value));
  } else if (name === 'dataset') {
    Object.assign(element.dataset, value);
  } else if (name === 'style') {
    for (const [rule, text] of Object.entries(value)) element.style.setProperty(rule, text);
  } else if (name === 'value') {
    element.value = value;
  } else if (name.startsWith('aria-')) {
    element.setAttribute(name, String(value)); // here, false says something
  } else if (value !== false) {
    setAttribute(element, name, value === true ? '' : String(value));
  }
}

function setAttribute(element, name, text) {
  if (/^on/i.test(name) || name === 'srcdoc') throw new Error(`${name} would be code`);
  if (LINKS.has(name) && !SAFE_SCHEMES.has(new URL(text, document.baseURI).protocol)) {
    throw new Error(`${name} leads nowhere safe`);
  }
  element.setAttribute(name, text);
}

function append(element, children) {
  element.append(...nodes(children));
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}
