/**
 * Live lines over the last 15 minutes.
 *
 * Owns its element and the drawing in it, which is uPlot's. What a line means is said
 * in words beside it, for those who do not see it.
 */

import uPlot from '../lib/uPlot.js';
import { h } from './element.js';
import { locale, t } from './i18n.js';
import { colour, onTheme } from './theme.js';

const SPAN = 15 * 60;
const HEIGHT = 136;
const LINE_COLOURS = ['accent', 'info'];

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {(sample: number[]) => number | null} value
 */

export class Chart {
  #lines;
  #format;
  #plot = null;
  #colours = {};
  #history = [];
  #values = [];
  #summary = h('p', { class: 'unseen' });
  #place = h('div', { class: 'chart-place', 'aria-hidden': 'true' });
  #observer = new ResizeObserver(() => this.#resize());
  #offTheme;

  /**
   * @param {{title: string, lines: Line[], format: (value: number) => string,
   *   least?: number}} parts `least` is the smallest height of the scale
   */
  constructor({ title, lines, format, least = 1 }) {
    this.#lines = lines;
    this.#format = format;
    this.#readColours();
    const legend = lines.map(({ label }, index) => this.#legend(label, index));
    this.element = h(
      'figure',
      { class: 'card chart' },
      h('figcaption', { class: 'chart-head' }, h('h2', title), h('div', { class: 'chart-legend' }, legend)),
      this.#place,
      this.#summary,
    );
    this.#plot = new uPlot(this.#options(least), [[], ...lines.map(() => [])], this.#place);
    this.#observer.observe(this.#place);
    this.#offTheme = onTheme(() => {
      this.#readColours();
      this.#plot.redraw(false);
    });
  }

  /** Draw these samples. @param {number[][]} history */
  update(history) {
    this.#history = history;
    const columns = this.#lines.map(({ value }) => history.map(value));
    this.#plot.setData([history.map(([moment]) => moment), ...columns]);
    this.#say(history.length - 1);
    this.#summary.textContent = this.#lines
      .map(({ label }, index) => t('core.chartSummary', this.#extent(label, columns[index])))
      .join(' ');
  }

  close() {
    this.#observer.disconnect();
    this.#offTheme();
    this.#plot.destroy();
  }

  #legend(label, index) {
    const value = h('span', { class: 'chart-value' }, '–');
    this.#values.push(value);
    const several = this.#lines.length > 1;
    return h('span', { class: 'chart-entry', dataset: { line: index } }, several && h('span', label), value);
  }

  #extent(label, values) {
    const known = values.filter((value) => value !== null);
    const shown = (value) => (Number.isFinite(value) ? this.#format(value) : '–');
    return { label, now: shown(known.at(-1)), most: shown(Math.max(...known)) };
  }

  /** Write the figures of one sample: the newest, or the one that is pointed at. */
  #say(index) {
    const sample = this.#history[index];
    this.#lines.forEach(({ value }, line) => {
      const figure = sample ? value(sample) : null;
      this.#values[line].textContent = figure === null ? '–' : this.#format(figure);
    });
  }

  #resize() {
    const { clientWidth } = this.#place;
    if (clientWidth > 0) this.#plot.setSize({ width: clientWidth, height: HEIGHT });
  }

  #readColours() {
    for (const name of [...LINE_COLOURS, 'muted', 'line']) this.#colours[name] = colour(name);
  }

  #options(least) {
    const clock = new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    const axis = {
      stroke: () => this.#colours.muted,
      font: '11px system-ui, sans-serif',
      ticks: { show: false },
      grid: { stroke: () => this.#colours.line, width: 1 },
    };
    return {
      width: 300,
      height: HEIGHT,
      padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      hooks: { setCursor: [({ cursor }) => this.#say(cursor.idx ?? this.#history.length - 1)] },
      scales: {
        // Without a sample yet, uPlot says 0: nobody was here at the beginning of 1970.
        x: { time: true, range: (_plot, _from, to) => lately(to || Date.now() / 1000) },
        y: { range: (_plot, _from, to) => [0, Math.max(least, (to ?? 0) * 1.1)] },
      },
      axes: [
        { ...axis, grid: { show: false }, size: 20, gap: 4, space: 70,
          values: (_plot, moments) => moments.map((moment) => clock.format(moment * 1000)) },
        { ...axis, size: (_plot, values) => 12 + 6.2 * Math.max(3, ...(values ?? []).map(({ length }) => length)),
          gap: 6, space: 32, values: (_plot, values) => values.map(this.#format) },
      ],
      series: [{}, ...this.#lines.map(({ label }, index) => ({
        label,
        stroke: () => this.#colours[LINE_COLOURS[index]],
        width: 1.5,
        points: { show: false },
      }))],
    };
  }
}

function lately(to) {
  return [to - SPAN, to];
}
