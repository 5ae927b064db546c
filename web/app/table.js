/**
 * A table that follows its rows and touches only what has changed.
 *
 * Owns its element. Rows are told apart by their key, and one that is the same object
 * as before is left alone. A cell that looks as it did stays, with its listeners: let
 * these act by the row's key, and not by what the row said when they were made.
 */

import { h } from './element.js';
import { icon } from './icon.js';
import { t } from './i18n.js';

/**
 * @typedef {object} Column
 * @property {string} id
 * @property {string} title
 * @property {(row: any) => Node | string} cell
 * @property {(row: any) => string | number | null} [sort] what rows are sorted by
 * @property {boolean} [narrow] no wider than it must be
 */

export class Table {
  #columns;
  #key;
  #onOpen;
  #empty;
  #body = h('tbody');
  #table;
  #shown = new Map();
  #rows = [];
  #sorting = null;

  /**
   * @param {{columns: Column[], key: (row: any) => string, empty: Node | string,
   *   onOpen?: (row: any) => void, caption?: string}} parts
   */
  constructor({ columns, key, empty, onOpen, caption }) {
    this.#columns = columns;
    this.#key = key;
    this.#onOpen = onOpen;
    this.#empty = typeof empty === 'string' ? h('p', { class: 'empty' }, empty) : empty;
    const head = h('tr', columns.map((column) => this.#heading(column)));
    this.#table = h(
      'table',
      { class: 'table' },
      caption && h('caption', { class: 'unseen' }, caption),
      h('thead', head),
      this.#body,
    );
    this.element = h('div', { class: 'table-frame' }, this.#table, this.#empty);
    this.update([]);
  }

  /** Show these rows, in this order unless the user has chosen one. */
  update(rows) {
    this.#rows = [...rows];
    const sorted = this.#sorted();
    const kept = new Set(sorted.map((row) => String(this.#key(row))));
    const focused = document.activeElement;
    for (const [key, shown] of this.#shown) {
      if (kept.has(key)) continue;
      shown.element.remove();
      this.#shown.delete(key);
    }
    let place = this.#body.firstElementChild;
    for (const row of sorted) {
      const { element } = this.#show(row);
      if (element === place) place = place.nextElementSibling;
      else this.#body.insertBefore(element, place);
    }
    if (focused !== document.activeElement && this.#body.contains(focused)) focused.focus();
    this.#table.hidden = sorted.length === 0;
    this.#empty.hidden = sorted.length > 0;
  }

  #show(row) {
    const key = String(this.#key(row));
    const shown = this.#shown.get(key) ?? this.#newRow(key);
    if (shown.row === row) return shown;
    shown.row = row;
    this.#columns.forEach((column, index) => fill(shown.cells[index], column.cell(row)));
    return shown;
  }

  #newRow(key) {
    const shown = { row: undefined, element: h('tr', { dataset: { key } }), cells: [] };
    this.#columns.forEach((column, index) => {
      const outer = h('td', { class: column.narrow && 'narrow', dataset: { label: column.title } });
      const opens = index === 0 && this.#onOpen;
      const inner = opens ? h('button', { type: 'button', class: 'row-open' }) : outer;
      if (opens) outer.append(inner);
      shown.cells.push(inner);
      shown.element.append(outer);
    });
    if (this.#onOpen) {
      shown.element.classList.add('opens');
      shown.element.addEventListener('click', (event) => {
        const other = event.target.closest('button, a, input, select, label');
        if (!other || other === shown.cells[0]) this.#onOpen(shown.row);
      });
    }
    this.#shown.set(key, shown);
    return shown;
  }

  #heading(column) {
    const props = { scope: 'col', class: column.narrow && 'narrow' };
    if (!column.sort) return h('th', props, column.title);
    const heading = h('th', props);
    heading.append(h(
      'button',
      {
        type: 'button',
        class: 'sort',
        title: t('core.sortBy', { column: column.title }),
        onClick: () => this.#sortBy(column, heading),
      },
      h('span', column.title),
      icon('down'),
    ));
    return heading;
  }

  #sortBy(column, heading) {
    const same = this.#sorting?.column === column;
    if (same && this.#sorting.direction === -1) this.#sorting = null;
    else this.#sorting = { column, direction: same ? -1 : 1 };
    for (const each of this.#table.querySelectorAll('th')) each.removeAttribute('aria-sort');
    if (this.#sorting) {
      heading.setAttribute('aria-sort', this.#sorting.direction === 1 ? 'ascending' : 'descending');
    }
    this.update(this.#rows);
  }

  #sorted() {
    if (!this.#sorting) return this.#rows;
    const { column, direction } = this.#sorting;
    return [...this.#rows].sort((one, other) => direction * compare(column.sort(one), column.sort(other)));
  }
}

/** Numbers by size, texts as people sort them; what is not there comes first. */
export function compare(one, other) {
  if (one === other) return 0;
  if (one === null || one === undefined) return -1;
  if (other === null || other === undefined) return 1;
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return String(one).localeCompare(String(other), undefined, { numeric: true });
}

function fill(cell, content) {
  if (!(content instanceof Node)) {
    const text = content === null || content === undefined ? '' : String(content);
    if (cell.childElementCount || cell.textContent !== text) cell.textContent = text;
    return;
  }
  const before = cell.childNodes.length === 1 ? cell.firstChild : null;
  if (!before?.isEqualNode(content)) cell.replaceChildren(content);
}
