/**
 * One line of the log as an element.
 *
 * Whatever a line says is text here: peers choose names that end up in logs.
 */

import { h } from '../app/element.js';

const STACK = 'stack';

/** @param {object} line as in log_record.js; `level` is its word in the page's language */
export function lineElement(line, level) {
  const { service, event, code, message, fields } = line;
  return h(
    'li',
    { class: 'log-line', dataset: { level: line.level } },
    h('time', clock(line.time).split(' ').map((part) => h('span', part))),
    h('span', { class: 'log-level' }, level),
    h('span', { class: 'log-service' }, service),
    h(
      'span',
      { class: 'log-message' },
      event ? h('span', { class: 'log-event' }, event) : null,
      code === undefined ? null : h('span', { class: 'log-event' }, String(code)),
      h('bdi', {}, message),
    ),
    fields ? fieldsElement(fields) : null,
  );
}

/** Day and hour; the broker's own as it stands, UTC as this browser has it. */
export function clock(text) {
  const moment = text.endsWith('Z') ? new Date(text) : null;
  if (moment === null || Number.isNaN(moment.getTime())) return text;
  const two = (value) => String(value).padStart(2, '0');
  const day = [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()].map(two).join('-');
  const hour = [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(':');
  return `${day} ${hour}`;
}

function fieldsElement({ [STACK]: stack, ...others }) {
  const pairs = Object.entries(others).map(([name, value]) =>
    h('span', { class: 'log-field' }, h('span', {}, `${name}=`), h('bdi', {}, written(value))),
  );
  return h(
    'div',
    { class: 'log-fields' },
    ...pairs,
    stack ? h('pre', { class: 'log-stack' }, written(stack)) : null,
  );
}

function written(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
