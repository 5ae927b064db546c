/**
 * One message as it is drawn: whose, when, its words, what can be done with it.
 *
 * Owns nothing. What people have written is text and never more.
 */

import { button, h, iconButton, pill } from '../app/element.js';
import { t, time } from '../app/i18n.js';
import { TERMINAL } from '../app/room_events.js';
import { textOf } from '../app/transcript.js';

/** Characters of a message that are shown before one asks for the rest. */
const SHOWN = 8_000;

const TONES = Object.freeze({
  completed: 'good',
  failed: 'bad',
  timeout: 'bad',
  cancelled: 'muted',
  streaming: 'accent',
});

/**
 * @param {object} message
 * @param {object} around
 * @param {string} around.self who we are
 * @param {string} around.wanted what is searched for
 * @param {object} [around.request] what became of the request, if it is ours
 * @param {(what: 'edit' | 'remove' | 'place' | 'cancel', message: object) => unknown} around.act
 */
export function messageCard(message, { self, wanted, request, act }) {
  if (message.isSystem) return systemLine(message, wanted);
  const mine = message.identity === self;
  const kind = message.fromLlm ? 'answer' : 'said';
  return h(
    'li',
    { class: 'message', tabindex: '-1', dataset: { kind, mine } },
    head(message, { wanted, act }),
    body(textOf(message), wanted),
    request && statusLine(request, () => act('cancel', message)),
  );
}

/** An answer on its way; `show` draws what has come since. */
export class LiveCard {
  #words = document.createTextNode('');
  #state = h('span', pill(t('room.answering'), 'accent'));
  #cancel;
  #status = null;

  /** @param {() => unknown} onCancel */
  constructor(onCancel) {
    this.#cancel = button({ label: t('room.cancel'), icon: 'stop', kind: 'quiet', onClick: onCancel });
    this.element = h(
      'li',
      { class: 'message live', hidden: true, dataset: { kind: 'answer' } },
      h('header', { class: 'message-head' }, this.#state, h('span', { class: 'message-acts' }, this.#cancel)),
      h('div', { class: 'message-text', dir: 'auto' }, this.#words),
    );
  }

  /** Where the text has only grown, only that is drawn. */
  show({ text, status }) {
    const shown = this.#words.data;
    this.element.hidden = text === '';
    if (text.startsWith(shown)) this.#words.appendData(text.slice(shown.length));
    else this.#words.data = text;
    if (status === this.#status) return;
    this.#status = status;
    this.#cancel.hidden = status !== null;
    this.#state.replaceChildren(pill(statusName(status), TONES[status]));
  }
}

/** A request that the history does not have yet. */
export function pendingCard({ message, ...request }, onCancel) {
  return h(
    'li',
    { class: 'message', dataset: { kind: 'said', mine: true } },
    h('div', { class: 'message-text', dir: 'auto' }, message ?? ''),
    statusLine(request, onCancel),
  );
}

function systemLine(message, wanted) {
  return h(
    'li',
    { class: 'message system', tabindex: '-1', dataset: { kind: 'system' } },
    h('span', { class: 'message-text', dir: 'auto' }, marked(textOf(message), wanted)),
    moment(message),
  );
}

function head(message, { wanted, act }) {
  const { identity, role, status, lastEdited } = message;
  const broken = status && status !== 'completed';
  return h(
    'header',
    { class: 'message-head' },
    h('bdi', { class: 'message-who' }, marked(identity ?? '', wanted)),
    role && role !== 'assistant' && h('span', { class: 'message-role' }, roleName(role)),
    moment(message),
    lastEdited && h('span', { class: 'message-edited', title: time(lastEdited) }, t('room.edited')),
    broken && pill(statusName(status), TONES[status]),
    h(
      'span',
      { class: 'message-acts' },
      wanted && iconButton({ label: t('room.showInPlace'), icon: 'move', onClick: () => act('place', message) }),
      iconButton({ label: t('room.edit'), icon: 'edit', onClick: () => act('edit', message) }),
      iconButton({ label: t('room.remove'), icon: 'remove', onClick: () => act('remove', message) }),
    ),
  );
}

function moment({ timestamp }) {
  return h('time', { datetime: `${timestamp}`, title: `${timestamp}` }, time(timestamp));
}

function body(text, wanted) {
  const element = h('div', { class: 'message-text', dir: 'auto' });
  if (text.length <= SHOWN) {
    element.append(...marked(text, wanted));
    return element;
  }
  const more = button({
    label: t('room.showAll', { count: text.length }),
    kind: 'quiet',
    onClick: () => element.replaceChildren(...marked(text, wanted)),
  });
  element.append(...marked(text.slice(0, SHOWN), wanted), '… ', more);
  return element;
}

function statusLine({ status, position, error }, onCancel) {
  const why = error?.message ?? '';
  const code = error?.code === undefined || error?.code === null ? '' : ` (${error.code})`;
  return h(
    'p',
    { class: 'message-status' },
    pill(statusName(status), TONES[status] ?? 'info'),
    position !== undefined && position !== null && h('span', t('room.position', { position })),
    why && h('span', { class: 'message-why', dir: 'auto' }, `${why}${code}`),
    !TERMINAL.has(status) && button({ label: t('room.cancel'), icon: 'stop', kind: 'quiet', onClick: onCancel }),
  );
}

function statusName(status) {
  return wordFor('room.status', status);
}

export function roleName(role) {
  return wordFor('room.role', role);
}

/** A word of the wire in the page's language; one that we do not know as it is. */
export function wordFor(kind, word) {
  const key = `${kind}.${word}`;
  const said = t(key);
  return said === key ? `${word}` : said;
}

/** A text with what is searched for marked in it. @returns {Array<string | Node>} */
export function marked(text, wanted) {
  const sought = wanted.trim().toLowerCase();
  const found = text.toLowerCase();
  if (sought === '' || found.length !== text.length) return [text];
  const parts = [];
  let at = 0;
  for (let hit = found.indexOf(sought); hit >= 0; hit = found.indexOf(sought, at)) {
    parts.push(text.slice(at, hit), h('mark', text.slice(hit, hit + sought.length)));
    at = hit + sought.length;
  }
  return [...parts, text.slice(at)];
}
