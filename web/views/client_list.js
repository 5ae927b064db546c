/**
 * A list of clients with what stands above it: tabs, a search and a choice.
 *
 * Owns its filter. Shows so many rows at first, for houses with thousands of guests.
 */

import { button, h } from '../app/element.js';
import { t } from '../app/i18n.js';
import { Table } from '../app/table.js';
import { SHOW } from './client_rows.js';
import { choice, searchBox, tabs } from './controls.js';
import { trustSomebody } from './trusting.js';

/** Rows that are drawn at once: a thousand would keep the page from answering for a while. */
const STEP = 250;

export class ClientList {
  #parts;
  #filter = { search: '', show: SHOW.ALL };
  #limit = STEP;
  #figures = h('p', { class: 'muted', role: 'status' });
  #empty = h('p', { class: 'empty' });
  #more;
  #table;

  /**
   * @param {object} context
   * @param {object} parts
   * @param {(filter: object) => object[]} parts.rows
   * @param {() => number} parts.count all that there are
   */
  constructor(context, parts) {
    const { columns, key, onOpen, title } = parts;
    this.#parts = parts;
    this.#table = new Table({ columns, key, onOpen, caption: title, empty: this.#empty });
    this.#more = button({ label: t('clients.more'), onClick: () => this.#showMore() });
    this.element = h('section', { class: 'stack clients' },
      h('header', { class: 'view-head' },
        h('h1', t('clients.title')),
        button({ label: t('clients.add'), icon: 'add', onClick: () => trustSomebody(context) })),
      this.#tabs(),
      this.#tools(),
      this.#table.element,
      h('div', { class: 'row' }, this.#more),
    );
    this.show();
  }

  /** Show what is so now. */
  show() {
    const { rows: rowsOf, count, empty } = this.#parts;
    const rows = rowsOf(this.#filter);
    const shown = rows.slice(0, this.#limit);
    const all = count();
    this.#figures.textContent = all > 0 ? t('clients.count', { shown: rows.length, all }) : '';
    this.#empty.textContent = all > 0 ? t('clients.nothing') : empty;
    this.#more.hidden = shown.length === rows.length;
    this.#table.update(shown);
  }

  #tabs() {
    return tabs({
      label: t('clients.tabs'),
      current: this.#parts.path,
      items: [
        { path: 'clients', title: t('clients.here') },
        { path: 'clients/keys', title: t('clients.book') },
      ],
    });
  }

  #tools() {
    const shows = Object.values(SHOW).map((name) => [name, t(`clients.show.${name}`)]);
    return h('div', { class: 'view-tools' },
      searchBox({
        label: t('clients.search'),
        hint: this.#parts.searchHint,
        onInput: (search) => this.#narrow({ search }),
      }),
      choice({
        label: t('clients.show'),
        options: shows,
        value: this.#filter.show,
        onChange: (show) => this.#narrow({ show }),
      }),
      this.#figures,
    );
  }

  #narrow(change) {
    Object.assign(this.#filter, change);
    this.#limit = STEP;
    this.show();
  }

  #showMore() {
    this.#limit += STEP;
    this.show();
  }
}
