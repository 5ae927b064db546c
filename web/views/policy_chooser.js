/**
 * Which connection policy is in force, and another one chosen.
 *
 * Owns its buttons. They are no radio buttons: passing over one with the arrow keys
 * would already set it.
 */

import { ask } from '../app/dialog.js';
import { h } from '../app/element.js';
import { t } from '../app/i18n.js';
import { complain, say } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';
import { BY_HAND, ONE_EACH, POLICIES } from './assignment_changes.js';

export class PolicyChooser {
  #context;
  #choices;
  #off;

  constructor(context) {
    this.#context = context;
    this.#choices = POLICIES.map((policy) => this.#choice(policy));
    this.element = h('section', { class: 'stack', 'aria-labelledby': 'policy-title' },
      h('h2', { id: 'policy-title' }, t('instances.policy.title')),
      h('p', { class: 'muted' }, t('instances.policy.hint')),
      h('div', { class: 'policy-choices', role: 'group', 'aria-labelledby': 'policy-title' },
        ...this.#choices),
    );
    this.#off = context.house.onChange('house', () => this.#show());
    this.#show();
  }

  /** The router leaves the view. */
  close() {
    this.#off();
  }

  #choice(policy) {
    return h('button', {
      type: 'button',
      class: 'policy-choice',
      dataset: { policy },
      onClick: () => this.#choose(policy),
    },
      h('span', { class: 'policy-name' }, t(`instances.policy.name.${policy}`)),
      h('span', { class: 'muted' }, t(`instances.policy.${policy}`)),
    );
  }

  #show() {
    const { policy } = this.#context.house.house;
    for (const choice of this.#choices) {
      const pressed = String(choice.dataset.policy === policy);
      if (choice.getAttribute('aria-pressed') !== pressed) {
        choice.setAttribute('aria-pressed', pressed);
      }
    }
  }

  async #choose(policy) {
    const { house, link } = this.#context;
    if (policy === house.house.policy) return;
    const loses = house.house.policy === BY_HAND && ONE_EACH.has(policy);
    if (loses && !(await sure(policy))) return;
    try {
      await link.call(NAMESPACE.ROOMS, 'SET_CONNECTION_POLICY', { policy });
      say(t('instances.policy.set', { policy: t(`instances.policy.name.${policy}`) }));
    } catch (error) {
      complain(error);
    }
  }
}

function sure(policy) {
  const named = { policy: t(`instances.policy.name.${policy}`) };
  return ask({
    title: t('instances.policy.ask.title'),
    body: t('instances.policy.ask.body', named),
    confirm: t('instances.policy.ask.confirm', named),
    danger: true,
  });
}
