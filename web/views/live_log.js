/**
 * Lines of the log as they are written, the newest at the bottom.
 *
 * Owns its filter and what is shown; scrolls along unless the reader has scrolled up.
 * Each line is drawn once: a busy broker writes hundreds a second.
 */

import { button, h, iconButton } from '../app/element.js';
import { t } from '../app/i18n.js';
import { choice, searchBox } from './controls.js';
import { lineElement } from './log_line.js';
import { fits, Tail } from './log_record.js';

const LINES = 1_000;
const LEVELS = ['all', 'error', 'warn', 'info', 'debug'];

/** Pixels from the end within which the reader is taken to be at the end. */
const NEAR = 32;

export class LiveLog {
  #house;
  #tail = new Tail(LINES);
  #filter = { level: 'all', search: '' };
  #list = h('ol', { class: 'log' });
  #frame;
  #empty = h('p', { class: 'empty' });
  #pause;
  #waiting = h('span', { class: 'muted', role: 'status' });
  #off;

  constructor({ house }) {
    this.#house = house;
    this.#pause = h('span');
    this.#frame = h('div',
      { class: 'log-frame', tabindex: '0', role: 'region', 'aria-label': t('logs.lines') },
      this.#list,
      this.#empty);
    this.element = h('div', { class: 'stack log-live' }, this.#tools(), this.#frame);
    this.#off = house.onChange('log', () => this.#follow());
    this.#showPause();
    this.#follow();
    this.#showEmpty();
    // Only what is in the page can be scrolled.
    requestAnimationFrame(() => this.#toEnd());
  }

  close() {
    this.#off();
  }

  #tools() {
    return h('div', { class: 'view-tools' },
      choice({
        label: t('logs.level'),
        options: LEVELS.map((level) => [level, t(`logs.level.${level}`)]),
        value: this.#filter.level,
        onChange: (level) => this.#narrow({ level }),
      }),
      searchBox({
        label: t('logs.search'),
        hint: t('logs.search.hint'),
        onInput: (search) => this.#narrow({ search }),
      }),
      h('div', { class: 'row' },
        this.#pause,
        iconButton({ label: t('logs.toEnd'), icon: 'down', onClick: () => this.#toEnd() }),
        this.#waiting),
    );
  }

  #follow() {
    this.#append(this.#tail.follow(this.#house.log));
    const { waiting } = this.#tail;
    this.#waiting.textContent = waiting > 0 ? t('logs.waiting', { count: waiting }) : '';
  }

  #append(lines) {
    if (lines.length === 0) return;
    const wasAtEnd = this.#isAtEnd();
    const fitting = lines.filter((line) => fits(line, this.#filter));
    this.#list.append(...fitting.map(drawn));
    while (this.#list.childElementCount > LINES) this.#list.firstElementChild.remove();
    this.#showEmpty();
    if (wasAtEnd) this.#toEnd();
  }

  #narrow(change) {
    Object.assign(this.#filter, change);
    const fitting = this.#tail.lines.filter((line) => fits(line, this.#filter));
    this.#list.replaceChildren(...fitting.map(drawn));
    this.#showEmpty();
    this.#toEnd();
  }

  #showEmpty() {
    const known = this.#tail.lines.length > 0;
    this.#empty.textContent = t(known ? 'logs.nothing' : 'logs.live.empty');
    this.#empty.hidden = this.#list.childElementCount > 0;
  }

  /** A fresh button for each state: its label says what it does. */
  #showPause() {
    const { held } = this.#tail;
    const fresh = button({
      label: t(held ? 'logs.resume' : 'logs.pause'),
      icon: held ? 'play' : 'pause',
      onClick: () => {
        if (held) this.#append(this.#tail.release());
        else this.#tail.hold();
        this.#waiting.textContent = '';
        this.#showPause();
        this.#pause.querySelector('button').focus();
      },
    });
    this.#pause.replaceChildren(fresh);
  }

  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#frame;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  #toEnd() {
    this.#frame.scrollTop = this.#frame.scrollHeight;
  }
}

function drawn(line) {
  return lineElement(line, t(`logs.word.${line.level}`));
}
