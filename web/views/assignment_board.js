/**
 * Which room may use which SillyTaverns, and, under Manual, assigning them by hand.
 *
 * Owns the list of rooms. Nobody tells a monitor of assignments: they are asked for
 * when something they depend on has changed, and now and then.
 */

import { h, replace } from '../app/element.js';
import { t } from '../app/i18n.js';
import { complain, say } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';
import { BY_HAND, ONE_EACH, roomsOf } from './assignment_changes.js';
import { chip, RoomRow } from './room_row.js';

/** Milliseconds between two questions where nothing seems to change. */
const ASK_EVERY = 15_000;

/** Milliseconds between two questions at least. */
const ASK_AT_MOST = 2_000;

/** So many rooms are shown; more are found by their names. */
const SHOWN = 100;

export class AssignmentBoard {
  #context;
  #assignments = null;
  #words = '';
  #rows = new Map();
  #hint = h('p', { class: 'muted' });
  #tray = h('ul', { class: 'chips tray', tabindex: '0', 'aria-label': t('instances.assign.tray') });
  #list = h('ul', { class: 'room-rows', 'aria-label': t('instances.assign.caption') });
  #search;
  #note = h('p', { class: 'muted', role: 'status' });
  #dependsOn = '';
  #asked = 0;
  #timer = null;
  #offs;

  constructor(context) {
    this.#context = context;
    this.element = this.#layout();
    this.#offs = ['house', 'instances'].map((section) =>
      context.house.onChange(section, () => this.#mayHaveChanged()),
    );
    this.#mayHaveChanged();
  }

  /** The router leaves the view. */
  close() {
    for (const off of this.#offs) off();
    clearTimeout(this.#timer);
    this.#timer = 'closed';
  }

  get #policy() {
    return this.#context.house.house.policy;
  }

  get #identities() {
    return [...this.#context.house.instances.keys()].sort();
  }

  #layout() {
    this.#search = h('input', {
      type: 'search',
      'aria-label': t('instances.assign.words'),
      placeholder: t('instances.assign.words'),
      onInput: (event) => {
        this.#words = event.target.value.trim();
        this.#show();
      },
    });
    return h('section', { class: 'stack', 'aria-labelledby': 'board-title' },
      h('div', { class: 'view-head' },
        h('h2', { id: 'board-title' }, t('instances.assign.title')),
        this.#search,
      ),
      this.#hint,
      this.#tray,
      this.#list,
      this.#note,
    );
  }

  /** Ask anew where the policy, a room or a SillyTavern came or went. */
  #mayHaveChanged() {
    const { rooms, clients } = this.#context.house.house;
    const dependsOn = JSON.stringify([this.#policy, rooms, clients, this.#identities]);
    if (dependsOn === this.#dependsOn) return;
    this.#dependsOn = dependsOn;
    this.#show();
    this.#askIn(Math.max(this.#asked + ASK_AT_MOST - Date.now(), 0));
  }

  #askIn(milliseconds) {
    if (this.#timer === 'closed') return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), milliseconds);
  }

  async #ask() {
    this.#asked = Date.now();
    this.#askIn(ASK_EVERY);
    if (document.hidden && this.#assignments !== null) return;
    try {
      const { assignments } = await this.#context.link.call(NAMESPACE.ROOMS, 'GET_ASSIGNMENTS', {});
      this.#assignments = assignments;
    } catch {
      return; // the shell says that the broker is away; it is asked again
    }
    this.#show();
  }

  #show() {
    const policy = this.#policy;
    if (policy === undefined) return; // nothing has been told yet
    const kind = policy === BY_HAND ? BY_HAND : ONE_EACH.has(policy) ? 'given' : 'all';
    const named = { policy: t(`instances.policy.name.${policy}`) };
    this.#hint.textContent = t(`instances.assign.hint.${kind}`, named);
    this.#search.hidden = kind === 'all';
    this.#showTray(kind === BY_HAND);
    this.#showRooms(kind);
  }

  #showTray(byHand) {
    const identities = this.#identities;
    this.#tray.hidden = !byHand || identities.length === 0;
    const shown = JSON.stringify(identities);
    if (this.#tray.dataset.shown === shown) return;
    this.#tray.dataset.shown = shown;
    replace(this.#tray, ...identities.map((identity) => h('li', chip(identity))));
  }

  #showRooms(kind) {
    if (this.#assignments === null) return;
    const found = kind === 'all' ? [] : roomsOf(this.#assignments, this.#words);
    const rows = found.slice(0, SHOWN).map(({ room, assigned }) => {
      const row = this.#row(room);
      row.show(assigned, { byHand: kind === BY_HAND, identities: this.#identities });
      return row;
    });
    const wanted = new Set(rows);
    for (const [room, row] of this.#rows) if (!wanted.has(row)) this.#rows.delete(room);
    arrange(this.#list, rows.map(({ element }) => element));
    this.#note.textContent = this.#noteOn(kind, found.length);
  }

  #noteOn(kind, found) {
    if (kind === 'all') return '';
    if (Object.keys(this.#assignments).length === 0) return t('instances.assign.empty');
    if (found === 0) return t('instances.assign.nothing');
    const more = found - SHOWN;
    return more > 0 ? t('instances.assign.more', { count: more }) : '';
  }

  #row(room) {
    if (!this.#rows.has(room)) {
      const assign = (extensions) => this.#assign(room, extensions);
      this.#rows.set(room, new RoomRow(room, assign));
    }
    return this.#rows.get(room);
  }

  async #assign(room, extensions) {
    try {
      const wish = { clientRoom: room, extensions };
      await this.#context.link.call(NAMESPACE.ROOMS, 'ASSIGN_EXTENSION_TO_CLIENT', wish);
      this.#assignments = { ...this.#assignments, [room]: extensions };
      this.#show();
      const named = extensions.join(', ') || t('instances.assign.nobody');
      say(t('instances.assign.done', { room, extensions: named }));
    } catch (error) {
      complain(error);
    }
  }
}

/** Make these the children, in this order, moving only what is elsewhere. */
function arrange(parent, elements) {
  const focused = document.activeElement;
  elements.forEach((element, index) => {
    if (parent.children[index] !== element) {
      parent.insertBefore(element, parent.children[index] ?? null);
    }
  });
  while (parent.children.length > elements.length) parent.lastElementChild.remove();
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus();
}
