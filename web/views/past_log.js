/**
 * The log files, page by page, the newest last as they are written.
 *
 * Owns the page that is shown. The broker searches: the files are larger than what a
 * page of this kind could hold.
 */

import { button, h, replace } from '../app/element.js';
import { t } from '../app/i18n.js';
import { complain } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';
import { afterRest, choice, searchBox } from './controls.js';
import { lineElement } from './log_line.js';
import { fileOf, readRecord } from './log_record.js';

/** A log of its own, of all levels. */
const AUDIT = 'audit';
const LEVELS = ['all', 'error', 'warn', 'info', AUDIT];
const PAGE_SIZE = 50;

/** Milliseconds: a search goes through all files. */
const PATIENCE = 30_000;

export class PastLog {
  #link;
  #question = { level: 'all', search: '', page: 1 };
  #asked = 0;
  #list = h('ol', { class: 'log' });
  #empty = h('p', { class: 'empty', hidden: true });
  #pager = h('nav', { class: 'row', 'aria-label': t('logs.pages') });
  #figures = h('p', { class: 'muted', role: 'status' });
  #later = afterRest(() => this.#look());
  #off;

  constructor({ link }) {
    this.#link = link;
    this.element = h('div', { class: 'stack' },
      this.#tools(),
      h('div',
        { class: 'log-frame', tabindex: '0', role: 'region', 'aria-label': t('logs.lines') },
        this.#list,
        this.#empty),
    );
    // At once where we are connected, and after each reconnection.
    this.#off = link.onState((state) => {
      if (state === 'online') this.#look();
    });
  }

  close() {
    this.#off();
    this.#later.stop();
    this.#asked += 1; // an answer that is still to come is for nobody
  }

  #tools() {
    return h('div', { class: 'view-tools' },
      choice({
        label: t('logs.level'),
        options: LEVELS.map((level) => [level, t(`logs.level.${level}`)]),
        value: this.#question.level,
        onChange: (level) => {
          Object.assign(this.#question, { level, page: 1 });
          this.#look();
        },
      }),
      searchBox({
        label: t('logs.search'),
        hint: t('logs.search.hint'),
        onInput: (search) => {
          Object.assign(this.#question, { search, page: 1 });
          this.#later();
        },
      }),
      this.#figures,
      this.#pager,
    );
  }

  async #look() {
    this.#later.stop();
    this.#asked += 1;
    const number = this.#asked;
    const { level, search, page } = this.#question;
    const question = {
      filename: fileOf(level),
      level: level === AUDIT ? 'all' : level,
      search: search.trim(),
      page,
      pageSize: PAGE_SIZE,
    };
    try {
      const answer = await this.#link.call(NAMESPACE.DEBUG, 'READ_LOG', question, { timeout: PATIENCE });
      if (number === this.#asked) this.#show(answer);
    } catch (error) {
      if (number === this.#asked) complain(error);
    }
  }

  #show({ lines, total, page }) {
    const pages = Math.max(1, Math.ceil(total / PAGE_SIZE));
    const drawn = lines.map(readRecord).map((line) => lineElement(line, t(`logs.word.${line.level}`)));
    this.#list.replaceChildren(...drawn);
    this.#empty.hidden = lines.length > 0;
    this.#empty.textContent = t('logs.past.empty');
    this.#figures.textContent = t('logs.total', { count: total });
    replace(this.#pager,
      this.#turn('logs.newest', 1, page > 1),
      this.#turn('logs.newer', page - 1, page > 1),
      h('span', { class: 'muted' }, t('logs.page', { page, pages })),
      this.#turn('logs.older', page + 1, page < pages),
    );
  }

  #turn(key, page, possible) {
    return button({
      label: t(key),
      disabled: !possible,
      onClick: async () => {
        this.#question.page = page;
        await this.#look();
      },
    });
  }
}
