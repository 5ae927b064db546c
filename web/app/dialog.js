/**
 * Questions and forms that stand before everything else.
 *
 * Owns the native `<dialog>` while it is open: the browser keeps the focus in it, has
 * Escape close it, and gives the focus back.
 */

import { button, h, iconButton } from './element.js';
import { t } from './i18n.js';

let dialogs = 0;

/**
 * Ask before something is done.
 * @param {{title: string, body?: string | Node, confirm: string, danger?: boolean}} question
 * @returns {Promise<boolean>}
 */
export function ask({ title, body, confirm, danger }) {
  let answer = false;
  const decide = (value) => {
    answer = value;
    open.close();
  };
  const buttons = h(
    'div',
    { class: 'dialog-buttons' },
    button({ label: t('core.cancel'), onClick: () => decide(false) }),
    button({ label: confirm, kind: danger ? 'danger' : 'primary', onClick: () => decide(true) }),
  );
  let open;
  return new Promise((resolve) => {
    open = show({ title, body: [paragraph(body), buttons], close: () => resolve(answer) });
  });
}

/**
 * Show a form or a text.
 * @param {{title: string, body: string | Node | Array, close?: () => void}} content
 *   `close` is called once it is closed, however that came
 * @returns {{element: HTMLDialogElement, close: () => void}}
 */
export function show({ title, body, close }) {
  dialogs += 1;
  const id = `dialog-${dialogs}`;
  const element = h(
    'dialog',
    { class: 'dialog', 'aria-labelledby': id },
    h(
      'header',
      { class: 'dialog-head' },
      h('h2', { id }, title),
      iconButton({ label: t('core.close'), icon: 'close', onClick: () => element.close() }),
    ),
    h('div', { class: 'dialog-body' }, typeof body === 'string' ? paragraph(body) : body),
  );
  element.addEventListener('close', () => {
    // What was said about the form outlives it.
    document.body.append(...element.querySelectorAll('.toasts'));
    element.remove();
    close?.();
  });
  document.body.append(element);
  element.showModal();
  return { element, close: () => element.close() };
}

function paragraph(body) {
  return typeof body === 'string' ? h('p', body) : body;
}
