/**
 * The whole tavern at a glance: figures, lines, instances, what went wrong.
 *
 * Owns its element. Only shows: what can be done is done in the other views.
 */

import { Chart } from '../app/chart.js';
import { emptyState, h, pill } from '../app/element.js';
import { bytes, duration, number, percent, t, time } from '../app/i18n.js';
import { pathOf } from '../app/router.js';
import { Table } from '../app/table.js';
import { problems } from './problems.js';

const MEBIBYTE = 2 ** 20;
const PROBLEMS = 8;
/** Milliseconds of loop lag from which on clients notice. */
const SLOW_LOOP = 250;

const TONES = Object.freeze({ idle: 'good', busy: 'accent', lost: 'bad', draining: 'warn' });

export const view = {
  id: 'overview',
  title: 'overview.title',
  icon: 'overview',
  open(context) {
    return new Overview(context);
  },
};

class Overview {
  #house;
  #figures = new Map();
  #state = h('p', { class: 'muted' });
  #notices = h('div', { class: 'stack', hidden: true });
  #problems = h('div');
  #shownProblems = null;
  #charts = charts();
  #instances;
  #offs;

  constructor({ house, navigate }) {
    this.#house = house;
    this.#instances = instanceTable(() => navigate(pathOf('instances')));
    this.element = h(
      'div',
      { class: 'stack overview' },
      h('div', { class: 'view-head' }, h('h1', t('overview.title')), this.#state),
      this.#notices,
      h('section', { 'aria-label': t('overview.figures') },
        h('dl', { class: 'figures' }, FIGURES.map(([name, place]) => this.#figure(name, place)))),
      h('section', { class: 'charts', 'aria-label': t('overview.lines') },
        this.#charts.map(({ element }) => element)),
      h('div', { class: 'overview-lower' },
        h('section', { class: 'stack' }, heading('overview.instances', 'instances'), this.#instances.element),
        h('section', { class: 'stack' }, heading('overview.problems', 'logs'), this.#problems)),
    );
    this.#offs = [
      this.#on(['house', 'instances', 'requests'], () => this.#showFigures()),
      this.#on(['instances'], () => this.#instances.update([...house.instances.values()].sort(byIdentity))),
      this.#on(['log', 'requests'], () => this.#showProblems()),
      this.#on(['history'], () => this.#charts.forEach((chart) => chart.update(house.history))),
    ].flat();
  }

  close() {
    for (const off of this.#offs) off();
    for (const chart of this.#charts) chart.close();
  }

  #on(sections, show) {
    show();
    return sections.map((section) => this.#house.onChange(section, show));
  }

  #figure(name, place) {
    const value = h('dd', { class: 'figure-value' }, '–');
    const note = h('dd', { class: 'figure-note' });
    this.#figures.set(name, { value, note });
    const label = t(`overview.figure.${name}`);
    return h('div', { class: 'card figure' },
      h('dt', place ? h('a', { href: pathOf(place) }, label) : label), value, note);
  }

  #showFigures() {
    const { house, instances } = this.#house;
    for (const [name, , read] of FIGURES) {
      const [value, note = ''] = house.version ? read(house, instances) : ['–'];
      const { value: first, note: second } = this.#figures.get(name);
      if (first.textContent !== value) first.textContent = value;
      if (second.textContent !== note) second.textContent = note;
    }
    if (!house.version) return;
    const { version, uptime, address } = house;
    this.#state.textContent = t('overview.state', { version, address, uptime: duration(uptime * 1000) });
    const words = notices(house, instances);
    this.#notices.hidden = words.length === 0;
    if (this.#notices.textContent === words.join('')) return;
    this.#notices.replaceChildren(...words.map((text) =>
      h('p', { class: 'notice', dataset: { tone: 'warn' } }, text)));
  }

  #showProblems() {
    const found = problems(this.#house, PROBLEMS);
    const keys = found.map(({ key }) => key).join('\n');
    if (keys === this.#shownProblems) return;
    this.#shownProblems = keys;
    const empty = emptyState(t('overview.noProblems'), t('overview.noProblemsHint'));
    const list = h('ul', { class: 'card problems' }, found.map(problemLine));
    this.#problems.replaceChildren(found.length ? list : h('div', { class: 'card' }, empty));
  }
}

/** What is shown, where it leads, and how it is read. */
const FIGURES = [
  ['instances', 'instances', ({ extensions }, instances) => [number(extensions), t('overview.note.instances', {
    idle: count(instances, 'idle'), busy: count(instances, 'busy'),
  })]],
  ['requests', 'requests', ({ requests }) => [number(requests.active), t('overview.note.requests', requests)]],
  ['success', 'requests', ({ requests: { completed, failed } }) => [
    percent(completed / (completed + failed)), t('overview.note.success', { completed, failed }),
  ]],
  ['chunks', null, ({ chunksPerSecond, chunks }) => [number(chunksPerSecond), t('overview.note.chunks', { chunks })]],
  ['clients', 'clients', ({ clients, connections }) => [number(clients), t('overview.note.clients', { connections })]],
  ['rooms', 'rooms', ({ rooms, policy }) => [number(rooms), t('overview.note.rooms', { policy })]],
  ['loopLag', null, ({ loopLag, loopLagP99 }) => [duration(loopLagP99), t('overview.note.loopLag', { most: duration(loopLag) })]],
  ['memory', null, ({ memory, actors }) => [bytes(memory), t('overview.note.memory', { actors })]],
];

function charts() {
  const memory = (value) => bytes(value * MEBIBYTE);
  const chart = (name, format, lines, least) => new Chart({
    title: t(`overview.chart.${name}`), format, least, lines,
  });
  const label = (name) => t(`overview.line.${name}`);
  return [
    chart('chunks', number, [{ label: label('chunks'), value: (sample) => sample[1] }], 10),
    chart('requests', number, [
      { label: label('active'), value: (sample) => sample[2] },
      { label: label('queued'), value: (sample) => sample[3] },
    ], 5),
    chart('loopLag', duration, [{ label: label('loopLag'), value: (sample) => sample[4] }], 10),
    chart('memory', memory, [
      { label: label('memory'), value: (sample) => (sample[5] === null ? null : sample[5] / MEBIBYTE) },
    ], 32),
  ];
}

function instanceTable(onOpen) {
  const column = (id, cell, more = {}) => ({ id, title: t(`overview.column.${id}`), cell, ...more });
  return new Table({
    caption: t('overview.instances'),
    key: ({ identity }) => identity,
    empty: emptyState(t('overview.noInstances'), t('overview.noInstancesHint')),
    onOpen,
    columns: [
      column('instance', ({ identity }) => identity, { sort: ({ identity }) => identity }),
      column('state', ({ state }) => pill(t(`overview.is.${state}`), TONES[state]), { narrow: true, sort: ({ state }) => state }),
      column('character', ({ character }) => character ?? ''),
      column('model', ({ model }) => model ?? ''),
      column('work', ({ running, capacity, queued }) => t('overview.work', { running, capacity, queued }), { narrow: true, sort: ({ queued }) => queued }),
      column('success', ({ completed, failed }) => percent(completed / (completed + failed)), { narrow: true }),
      column('first', ({ timeToFirstToken }) => duration(timeToFirstToken), { narrow: true, sort: ({ timeToFirstToken }) => timeToFirstToken }),
    ],
  });
}

function heading(key, place) {
  return h('div', { class: 'view-head' }, h('h2', { class: 'grow' }, t(key)), h('a', { href: pathOf(place) }, t('overview.all')));
}

function problemLine({ time: moment, kind, text, seq, who }) {
  const what = kind === 'request'
    ? h('a', { href: pathOf('requests', seq) }, t('overview.request', { requestId: who }))
    : h('span', { class: 'muted mono' }, who);
  return h('li', { class: 'problem' },
    h('span', { class: 'problem-head' },
      pill(t(`overview.kind.${kind}`), kind === 'warn' ? 'warn' : 'bad'), what,
      h('time', { class: 'muted' }, time(moment))),
    h('span', { class: 'problem-text' }, text));
}

function notices(house, instances) {
  const words = [];
  if (house.draining) words.push(t('overview.draining'));
  if (house.loopLagP99 > SLOW_LOOP) words.push(t('overview.slowLoop', { lag: duration(house.loopLagP99) }));
  if (house.debugMode) words.push(t('overview.debugMode'));
  const lost = count(instances, 'lost');
  if (lost) words.push(t('overview.lost', { count: lost }));
  return words;
}

function count(instances, state) {
  return [...instances.values()].filter((each) => each.state === state).length;
}

function byIdentity(one, other) {
  return one.identity.localeCompare(other.identity, undefined, { numeric: true });
}
