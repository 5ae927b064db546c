/** The routing rules in force, in their order, and a place to try them. */

import { button, h, replace } from '../app/element.js';
import { t } from '../app/i18n.js';
import { complain } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';
import { RouteTrial } from './route_trial.js';
import { conditions, destination } from './rule_words.js';

export class Routes {
  #link;
  #asked = 0;
  #rules = [];
  #list = h('ol', { class: 'rules' });
  #notes = h('div', { class: 'stack' });
  #trial;
  #off;

  constructor({ link }) {
    this.#link = link;
    this.#trial = new RouteTrial({ link, rules: () => this.#rules, onVerdict: (index) => this.#mark(index) });
    this.element = h('div', { class: 'routes' },
      h('section', { class: 'stack' },
        h('p', { class: 'muted' }, t('settings.routes.about')),
        this.#notes,
        this.#list,
        h('div', { class: 'row' },
          button({ label: t('settings.routes.refresh'), icon: 'refresh', onClick: () => this.#look() }))),
      this.#trial.element,
    );
    // At once where we are connected, and after each reconnection.
    this.#off = link.onState((state) => {
      if (state === 'online') this.#look();
    });
  }

  close() {
    this.#off();
    this.#asked += 1;
    this.#trial.close();
  }

  async #look() {
    this.#asked += 1;
    const number = this.#asked;
    try {
      const answer = await this.#link.call(NAMESPACE.DEBUG, 'GET_ROUTES', {});
      if (number === this.#asked) this.#show(answer);
    } catch (error) {
      if (number === this.#asked) complain(error);
    }
  }

  #show({ rules, file, error }) {
    this.#rules = rules;
    this.#trial.clear();
    replace(this.#notes,
      error && h('div', { class: 'notice', dataset: { tone: 'bad' }, role: 'alert' },
        h('p', t('settings.routes.error')),
        h('p', { class: 'mono' }, error)),
      h('p', { class: 'muted' }, t('settings.routes.file', { file })),
      rules.length === 0 && h('p', { class: 'empty' }, t('settings.routes.empty')),
    );
    replace(this.#list, rules.map(ruleElement));
  }

  /** Show which rule took what was tried; null: none did. */
  #mark(index) {
    [...this.#list.children].forEach((element, at) => element.classList.toggle('taken', at === index));
  }
}

function ruleElement(rule, index) {
  return h('li', { class: 'card rule' },
    h('span', { class: 'rule-number' }, String(index + 1)),
    h('div', { class: 'rule-match' }, matchWords(rule)),
    h('div', { class: 'rule-action', dataset: { action: rule.action } }, actionWords(rule)),
  );
}

function matchWords(rule) {
  const asked = conditions(rule);
  if (asked.length === 0) return h('span', t('settings.rule.everything'));
  return asked.map(({ name, words }) =>
    h('span', { class: 'rule-condition' },
      h('span', { class: 'muted' }, t('settings.rule.is', { field: t(`settings.field.${name}`) })),
      words.map((word, at) => [
        at > 0 && h('span', { class: 'muted' }, t('settings.rule.or')),
        h('code', word),
      ])));
}

function actionWords({ action, to }) {
  const { kind, name } = destination(to);
  const place = kind === 'nowhere' ? '' : t(`settings.rule.${kind}`, { name });
  return t(`settings.rule.${action}`, { to: place });
}
