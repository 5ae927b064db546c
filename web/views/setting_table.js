/** All settings: what each does, what it is, and how it is changed. */

import { h, pill } from '../app/element.js';
import { bytes, language, number, t } from '../app/i18n.js';
import { Table } from '../app/table.js';
import { searchBox } from './controls.js';
import { differs, extent, meaning, settingRows, written } from './setting_rows.js';

const TOOLS = { t, number, bytes };

export class SettingTable {
  #settings = [];
  #filter = { search: '', onlyChanged: false };
  #figures = h('p', { class: 'muted', role: 'status' });
  #table = new Table({
    caption: t('settings.all'),
    columns: columns(),
    key: ({ name }) => name,
    empty: t('settings.empty'),
  });

  constructor() {
    this.element = h('section', { class: 'stack', 'aria-labelledby': 'settings-all' },
      h('h2', { id: 'settings-all' }, t('settings.all')),
      h('p', { class: 'muted settings-how' }, t('settings.how')),
      this.#tools(),
      this.#table.element,
    );
  }

  /** @param {object[]} settings as GET_SETTINGS gives them */
  show(settings) {
    this.#settings = settings;
    this.#show();
  }

  #tools() {
    const onlyChanged = h('input', {
      type: 'checkbox',
      onChange: ({ target }) => this.#narrow({ onlyChanged: target.checked }),
    });
    return h('div', { class: 'view-tools' },
      searchBox({
        label: t('settings.search'),
        hint: t('settings.search.hint'),
        onInput: (search) => this.#narrow({ search }),
      }),
      h('label', { class: 'check' }, onlyChanged, h('span', t('settings.onlyChanged'))),
      this.#figures,
    );
  }

  #narrow(change) {
    Object.assign(this.#filter, change);
    this.#show();
  }

  #show() {
    const rows = settingRows(this.#settings, { ...this.#filter, language: language() });
    const counts = { shown: rows.length, all: this.#settings.length };
    this.#figures.textContent = t('settings.count', counts);
    this.#table.update(rows);
  }
}

function columns() {
  return [
    column('name', ({ name }) => h('code', { class: 'setting-name' }, name), ({ name }) => name),
    column('about', (setting) => h('span', { class: 'setting-about' }, meaning(setting, language()))),
    column('value', valueCell),
    column('default', (setting) => written(setting.default, setting.unit, TOOLS)),
    column('unit', unitCell),
    column('when', ({ changeable }) => t(changeable ? 'settings.when.here' : 'settings.when.restart')),
  ];
}

function column(id, cell, sort) {
  return { id, title: t(`settings.${id}`), cell, sort };
}

function valueCell(setting) {
  const value = h('strong', written(setting.value, setting.unit, TOOLS));
  if (!differs(setting)) return value;
  return h('span', { class: 'row' }, value, pill(t('settings.differs'), 'accent'));
}

function unitCell({ unit, range, choices }) {
  if (choices) return choices.join(', ');
  const word = unit ? t(`settings.unit.${unit}`) : '';
  return [word, extent(range)].filter(Boolean).join(', ');
}
