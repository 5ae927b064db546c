/**
 * One SillyTavern: how it is, what it does, and what may be done with it.
 *
 * Owns its card. Texts of the SillyTavern are shown as texts, whatever they are.
 */

import { ask } from '../app/dialog.js';
import { button, h, pill, replace } from '../app/element.js';
import { duration, number, percent, t, time } from '../app/i18n.js';
import { pathOf } from '../app/router.js';
import { complain, say } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';
import { successRate } from './assignment_changes.js';

/** What a card tells, in this order, as [key, what is said of an instance]. */
const FACTS = Object.freeze([
  ['character', ({ character }) => character],
  ['model', ({ model }) => model],
  ['running', ({ running, capacity }) =>
    t('instances.runningOf', { running, capacity })],
  ['queued', ({ queued }) => number(queued)],
  ['success', success],
  ['first', ({ timeToFirstToken }) => duration(timeToFirstToken)],
  ['since', ({ connectedAt }) => time(connectedAt)],
  ['version', ({ version }) => version],
]);

const TONES = Object.freeze({ idle: 'good', busy: 'accent', lost: 'bad', draining: 'warn' });

export class InstanceCard {
  #link;
  #instance;
  #values = new Map();
  #state = h('span');
  #desc = h('p', { class: 'muted instance-desc', dir: 'auto' });
  #about = h('p', { class: 'warn' });
  #drain;

  constructor({ link }, instance) {
    this.#link = link;
    this.#instance = instance;
    this.#drain = button({ label: t('instances.drain'), onClick: () => this.#turn() });
    this.element = this.#layout(instance.identity);
    this.show(instance);
  }

  /** Show how it is now. */
  show(instance) {
    this.#instance = instance;
    const { identity, state, desc } = instance;
    this.element.dataset.state = state;
    if (this.#state.dataset.state !== state) {
      this.#state.dataset.state = state;
      replace(this.#state, pill(t(`instances.state.${state}`), TONES[state]));
    }
    write(this.#desc, desc);
    this.#desc.hidden = !desc;
    this.#about.hidden = !['lost', 'draining'].includes(state);
    if (!this.#about.hidden) write(this.#about, t(`instances.about.${state}`));
    for (const [name, say_] of FACTS) {
      const text = say_(instance) || t('instances.none');
      write(this.#values.get(name), text);
      this.#values.get(name).title = text;
    }
    const verb = state === 'draining' ? 'fill' : 'drain';
    write(this.#drain, t(`instances.${verb}`));
    this.#drain.setAttribute('aria-label', t(`instances.${verb}One`, { identity }));
  }

  #layout(identity) {
    const remove = button({
      label: t('instances.remove'), kind: 'danger', onClick: () => {
        this.#remove();
      },
    });
    remove.setAttribute('aria-label', t('instances.removeOne', { identity }));
    const facts = FACTS.map(([name]) => this.#fact(name));
    return h('li', { class: 'card instance' },
      h('div', { class: 'instance-head' },
        h('h2', { class: 'instance-name', title: identity }, h('bdi', identity)),
        this.#state,
      ),
      this.#desc,
      this.#about,
      h('dl', { class: 'instance-facts' }, ...facts),
      h('div', { class: 'row instance-acts' },
        this.#drain,
        remove,
        h('a', {
          class: 'instance-requests',
          href: pathOf('requests', 'instance', identity),
          'aria-label': t('instances.requestsOf', { identity }),
        }, t('instances.requests')),
      ),
    );
  }

  #fact(name) {
    const value = h('dd', { dir: 'auto' });
    this.#values.set(name, value);
    return h('div', h('dt', t(`instances.${name}`)), value);
  }

  async #turn() {
    const { identity, state } = this.#instance;
    const drain = state !== 'draining';
    try {
      await this.#link.call(NAMESPACE.DEBUG, 'DRAIN_EXTENSION', { identity, drain });
      say(t(drain ? 'instances.drained' : 'instances.filled', { identity }));
    } catch (error) {
      complain(error);
    }
  }

  async #remove() {
    const { identity, running, queued } = this.#instance;
    const count = running + queued;
    const warning = count > 0
      && h('p', { class: 'notice', dataset: { tone: 'warn' } }, t('instances.remove.running', { count }));
    const sure = await ask({
      title: t('instances.remove.title'),
      body: h('div', { class: 'stack' },
        h('p', t('instances.remove.body', { identity })),
        warning),
      confirm: t('instances.remove.confirm'),
      danger: true,
    });
    if (!sure) return;
    try {
      await this.#link.call(NAMESPACE.DEBUG, 'REMOVE_EXTENSION', { identity });
      say(t('instances.removed', { identity }));
    } catch (error) {
      complain(error);
    }
  }
}

function success(instance) {
  const rate = successRate(instance);
  if (rate === null) return '';
  // Never rounded up to all.
  const shown = percent(Math.floor(rate * 1_000) / 1_000);
  return t('instances.successOf', { rate: shown, ended: instance.completed + instance.failed });
}

/** What is the same stays untouched: a screen reader would read it again. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
