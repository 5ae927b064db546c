/**
 * What the page says, and how it writes figures, in English and Chinese.
 *
 * Owns the texts that views have added and the language in use. Must never let a
 * parameter be more than letters: it gives texts, never markup.
 */

import { KEPT, inBrowser } from './memory.js';

export const LANGUAGES = Object.freeze({ en: 'English', zh: '简体中文' });
const LOCALES = Object.freeze({ en: 'en-GB', zh: 'zh-CN' });

const texts = { en: new Map(), zh: new Map() };
const listeners = new Set();
let current = firstLanguage();
let formats = formatsIn(current);

/** @returns {'en' | 'zh'} */
export function language() {
  return current;
}

/** Speak another language from now on. */
export function setLanguage(name) {
  if (!(name in LANGUAGES) || name === current) return;
  current = name;
  formats = formatsIn(name);
  inBrowser.set(KEPT.LANGUAGE, name);
  for (const listener of [...listeners]) listener(name);
}

/** @returns {() => void} stops listening */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What a document in the language in use says of itself. */
export function locale() {
  return LOCALES[current];
}

/**
 * Add the texts of a view.
 * @param {{en: Record<string, Text>, zh: Record<string, Text>}} added
 * @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Text by `count`
 */
export function add(added) {
  for (const [name, entries] of Object.entries(added)) {
    for (const [key, text] of Object.entries(entries)) texts[name].set(key, text);
  }
}

/**
 * A text in the language in use.
 * @param {string} key one that nobody has added is said as it is
 * @param {Record<string, unknown>} [params] stand in for `{name}`; numbers are written
 *   as figures, `count` also chooses the plural
 */
export function t(key, params = {}) {
  const text = texts[current].get(key) ?? key;
  const words = typeof text === 'string' ? text : plural(text, params.count);
  return words.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = params[name];
    if (value === undefined || value === null) return whole;
    return typeof value === 'number' ? number(value) : String(value);
  });
}

/** A figure: 1,234 or 0.53. */
export function number(value, digits = 1) {
  if (!isFigure(value)) return '–';
  const shown = Math.abs(value) >= 100 ? 0 : digits;
  return formats.number(shown).format(value);
}

/** 0.987 as 98.7 %. */
export function percent(share) {
  return isFigure(share) ? formats.percent.format(share) : '–';
}

/** An amount of memory. */
export function bytes(value) {
  if (!isFigure(value)) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let amount = value;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${number(amount)} ${units[unit]}`;
}

/** How long something took or has lasted, by milliseconds: `85ms`, `2.4s`, `3m 5s`. */
export function duration(milliseconds) {
  if (!isFigure(milliseconds)) return '–';
  const seconds = milliseconds / 1000;
  const { unit } = formats;
  if (Math.abs(milliseconds) < 1000) return unit('millisecond', milliseconds < 10 ? 1 : 0).format(milliseconds);
  if (seconds < 60) return unit('second', 1).format(seconds);
  const steps = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];
  const first = steps.findIndex(([, length]) => seconds >= length);
  const [[large, length], [small, rest]] = steps.slice(first, first + 2);
  const whole = Math.floor(seconds / length);
  const remainder = Math.floor((seconds % length) / rest);
  const words = [unit(large, 0).format(whole)];
  if (remainder) words.push(unit(small, 0).format(remainder));
  return words.join(' ');
}

/** A moment by the reader's clock; with the day where it is not today. */
export function time(moment) {
  const date = moment instanceof Date ? moment : new Date(moment ?? NaN);
  if (Number.isNaN(date.getTime())) return '–';
  const today = date.toDateString() === new Date().toDateString();
  return (today ? formats.clock : formats.moment).format(date);
}

function isFigure(value) {
  return typeof value === 'number' && Number.isFinite(value);
}

function plural(forms, count) {
  return forms[formats.plural.select(Number(count))] ?? forms.other;
}

function firstLanguage() {
  const kept = inBrowser.get(KEPT.LANGUAGE);
  if (kept in LANGUAGES) return kept;
  const wanted = globalThis.navigator?.languages ?? [];
  return wanted.find((each) => /^(en|zh)\b/.test(each))?.slice(0, 2) ?? 'en';
}

function formatsIn(name) {
  const tag = LOCALES[name];
  const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
  const day = { month: 'short', day: 'numeric' };
  const made = new Map();
  const keep = (key, make) => {
    if (!made.has(key)) made.set(key, make());
    return made.get(key);
  };
  return {
    number: (digits) =>
      keep(digits, () => new Intl.NumberFormat(tag, { maximumFractionDigits: digits })),
    unit: (unit, digits) =>
      keep(unit + digits, () => new Intl.NumberFormat(tag, {
        style: 'unit', unit, unitDisplay: 'narrow', maximumFractionDigits: digits,
      })),
    percent: new Intl.NumberFormat(tag, { style: 'percent', maximumFractionDigits: 1 }),
    plural: new Intl.PluralRules(tag),
    clock: new Intl.DateTimeFormat(tag, clock),
    moment: new Intl.DateTimeFormat(tag, { ...day, ...clock }),
  };
}
