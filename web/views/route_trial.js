/**
 * The try-it box of the routing rules: what a message would be like, and which rule
 * would take it, and why.
 *
 * Which rule does is the broker's word; why is told here, in the page's language.
 */

import { button, field, h, replace, setError } from '../app/element.js';
import { t } from '../app/i18n.js';
import { complain } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';
import { conditions, destination, obstacle, trafficOf } from './rule_words.js';

const FIELDS = ['event', 'source', 'clientType', 'room', 'target', 'type'];
const REQUIRED = new Set(['event', 'source']);
const LONGEST = 1_024;

/** Rules of which is said why they were passed over. */
const PASSED = 10;

/** Events that rules are mostly about. */
const USUAL = ['LLM_REQUEST', 'message'];

export class RouteTrial {
  #link;
  #rules;
  #onVerdict;
  #inputs = new Map();
  #lines = new Map();
  #verdict = h('div', { class: 'stack', role: 'status' });
  #asked = 0;

  /**
   * @param {object} parts
   * @param {() => object[]} parts.rules those that are shown
   * @param {(index: number | null) => void} parts.onVerdict which one took it
   */
  constructor({ link, rules, onVerdict }) {
    this.#link = link;
    this.#rules = rules;
    this.#onVerdict = onVerdict;
    this.element = h('section', { class: 'card stack trial', 'aria-labelledby': 'trial-title' },
      h('h2', { id: 'trial-title' }, t('settings.try')),
      h('p', { class: 'muted' }, t('settings.try.about')),
      this.#form(),
      this.#verdict,
    );
  }

  close() {
    this.#asked += 1;
  }

  /** Say nothing: the rules may be others now. */
  clear() {
    this.#asked += 1;
    replace(this.#verdict);
    this.#onVerdict(null);
  }

  #form() {
    const usual = h('datalist', { id: 'usual-events' }, USUAL.map((value) => h('option', { value })));
    const form = h('form', { class: 'stack', novalidate: true, onSubmit: (event) => this.#submit(event) },
      h('div', { class: 'trial-fields' }, FIELDS.map((name) => this.#field(name))),
      usual,
      h('div', { class: 'row' },
        button({ label: t('settings.try.go'), kind: 'primary', type: 'submit' })),
    );
    return form;
  }

  #field(name) {
    const input = h('input', {
      type: 'text',
      maxlength: LONGEST,
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      list: name === 'event' ? 'usual-events' : null,
      required: REQUIRED.has(name),
    });
    const line = field({
      label: t(`settings.try.${name}`), input, hint: t(`settings.try.${name}.hint`),
    });
    this.#inputs.set(name, input);
    this.#lines.set(name, line);
    return line;
  }

  async #submit(event) {
    event.preventDefault();
    const filled = [...this.#inputs].map(([name, input]) => [name, input.value]);
    const traffic = trafficOf(Object.fromEntries(filled));
    const missing = [...REQUIRED].filter((name) => !(name in traffic));
    for (const name of REQUIRED) {
      setError(this.#lines.get(name), missing.includes(name) ? t('settings.try.required') : '');
    }
    if (missing.length > 0) {
      this.#inputs.get(missing[0]).focus();
      return;
    }
    await this.#try(traffic);
  }

  async #try(traffic) {
    this.#asked += 1;
    const number = this.#asked;
    try {
      const answer = await this.#link.call(NAMESPACE.DEBUG, 'TRY_ROUTE', traffic);
      if (number !== this.#asked) return;
      replace(this.#verdict, verdictWords(answer, this.#rules(), traffic));
      this.#verdict.scrollIntoView({ block: 'nearest' });
      this.#onVerdict(answer.rule);
    } catch (error) {
      complain(error);
    }
  }
}

function verdictWords({ rule: index, action, to }, rules, traffic) {
  const taken = rules[index] ?? null;
  return [
    h('div', { class: 'notice' },
      h('p', h('strong', t(index === null ? 'settings.try.untaken' : 'settings.try.taken', {
        number: index === null ? null : index + 1,
      }))),
      action && h('p', consequence(action, to))),
    taken && reasons(taken, traffic),
    passedOver(rules.slice(0, index ?? rules.length), traffic),
  ];
}

function consequence(action, to) {
  const { kind, name } = destination(to);
  const place = kind === 'nowhere' ? '' : t(`settings.rule.${kind}`, { name });
  return t(`settings.try.then.${action}`, { to: place });
}

function reasons(rule, traffic) {
  const asked = conditions(rule);
  if (asked.length === 0) return h('p', t('settings.try.whyAll'));
  return h('div',
    h('p', t('settings.try.why')),
    h('ul', { class: 'bullets' }, asked.map(({ name, words }) =>
      h('li', t('settings.try.fits', {
        field: t(`settings.field.${name}`), value: quoted(traffic[name]), words: either(words),
      })))));
}

function passedOver(rules, traffic) {
  const told = rules.slice(0, PASSED).map((rule, index) => obstacleWords(rule, index, traffic));
  if (told.length === 0) return null;
  const more = rules.length - told.length;
  return h('div',
    h('p', t('settings.try.passed')),
    h('ul', { class: 'bullets' },
      told.map((words) => h('li', words)),
      more > 0 && h('li', t('settings.try.more', { count: more }))));
}

function obstacleWords(rule, index, traffic) {
  const found = obstacle(rule, traffic);
  const facts = { number: index + 1 };
  if (found === null) return t('settings.try.passed.changed', facts);
  const { name, words } = found;
  Object.assign(facts, { field: t(`settings.field.${name}`), words: either(words) });
  if (!(name in traffic)) return t('settings.try.passed.empty', facts);
  return t('settings.try.passed.other', { ...facts, value: quoted(traffic[name]) });
}

function either(words) {
  return words.map(quoted).join(` ${t('settings.rule.or')} `);
}

function quoted(text) {
  return `“${text}”`;
}
