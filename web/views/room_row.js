/**
 * One room and the SillyTaverns it may use.
 *
 * Owns its row. Under Manual one is dropped onto it, chosen in a dialog, or taken out;
 * each gives the whole new list to `assign`.
 */

import { ask } from '../app/dialog.js';
import { button, h, replace } from '../app/element.js';
import { t } from '../app/i18n.js';
import { added, removed } from './assignment_changes.js';

/** What is dragged says so: text dragged from elsewhere is not dropped on a room. */
const DRAGGED = 'application/x-tapster-instance';

/** The name of a SillyTavern that can be dragged onto a room. */
export function chip(identity, ...more) {
  return h('span', {
    class: 'chip',
    draggable: 'true',
    title: identity,
    onDragstart: ({ dataTransfer }) => {
      dataTransfer.setData(DRAGGED, identity);
      dataTransfer.effectAllowed = 'copy';
    },
  }, h('bdi', { class: 'chip-name' }, identity), ...more);
}

export class RoomRow {
  #room;
  #assign;
  #assigned = [];
  #identities = [];
  #byHand = false;
  #shown = '';
  #chips = h('ul', { class: 'chips' });
  #choose;

  /** @param {(extensions: string[]) => void} assign */
  constructor(room, assign) {
    this.#room = room;
    this.#assign = assign;
    this.#choose = button({
      label: t('instances.assign.choose'),
      onClick: () => {
        this.#ask();
      },
    });
    this.#choose.setAttribute('aria-label', t('instances.assign.chooseFor', { room }));
    this.element = h('li', {
      class: 'room-row',
      onDragover: (event) => this.#over(event),
      onDragleave: () => this.#mark(false),
      onDrop: (event) => this.#drop(event),
    },
      h('h3', { class: 'room-name', title: room }, h('bdi', room)),
      this.#chips,
      this.#choose,
    );
  }

  /**
   * @param {string[]} assigned
   * @param {{byHand: boolean, identities: string[]}} may what may be chosen, if any
   */
  show(assigned, { byHand, identities }) {
    this.#assigned = assigned;
    this.#identities = identities;
    this.#byHand = byHand;
    this.#choose.hidden = !byHand;
    const shown = JSON.stringify([assigned, byHand]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.element.dataset.empty = String(assigned.length === 0);
    const chips = assigned.map((identity) => h('li', this.#chip(identity)));
    const nobody = h('li', { class: 'muted' }, t('instances.assign.nobody'));
    const focused = this.#chips.contains(document.activeElement);
    replace(this.#chips, ...(chips.length > 0 ? chips : [nobody]));
    if (focused) this.#choose.focus();
  }

  #chip(identity) {
    if (!this.#byHand) {
      const name = h('bdi', { class: 'chip-name' }, identity);
      return h('span', { class: 'chip', title: identity }, name);
    }
    return chip(identity, h('button', {
      type: 'button',
      class: 'chip-out',
      'aria-label': t('instances.assign.take', { identity, room: this.#room }),
      onClick: () => this.#assign(removed(this.#assigned, identity)),
    }, '×'));
  }

  #over(event) {
    if (!this.#byHand || !event.dataTransfer.types.includes(DRAGGED)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    this.#mark(true);
  }

  #drop(event) {
    this.#mark(false);
    const identity = event.dataTransfer.getData(DRAGGED);
    if (!this.#byHand || !identity) return;
    event.preventDefault();
    if (!this.#assigned.includes(identity)) this.#assign(added(this.#assigned, identity));
  }

  #mark(dropping) {
    this.element.classList.toggle('dropping', dropping);
  }

  async #ask() {
    const names = [...new Set([...this.#identities, ...this.#assigned])].sort();
    const boxes = names.map((identity) =>
      h('input', { type: 'checkbox', value: identity, checked: this.#assigned.includes(identity) }),
    );
    const lines = boxes.map((box) =>
      h('label', { class: 'check' }, box, h('bdi', box.value)),
    );
    const room = this.#room;
    const sure = await ask({
      title: t('instances.assign.ask.title', { room }),
      body: h('div', { class: 'stack' }, ...lines),
      confirm: t('instances.assign.ask.confirm'),
    });
    if (sure) this.#assign(boxes.filter((box) => box.checked).map((box) => box.value));
  }
}
