/**
 * The SillyTaverns that are here, a card each.
 *
 * Owns the cards: one that is there stays where it is and only its figures change, so
 * that nothing moves under the pointer or the keyboard's focus.
 */

import { h } from '../app/element.js';
import { t } from '../app/i18n.js';
import { InstanceCard } from './instance_card.js';

export class InstanceCards {
  #context;
  #cards = new Map();
  #list = h('ul', { class: 'cards' });
  #empty = h('p', { class: 'empty' }, t('instances.empty'));
  #off;

  constructor(context) {
    this.#context = context;
    const name = t('instances.here');
    this.#list.setAttribute('aria-label', name);
    this.element = h('div', this.#list, this.#empty);
    this.#off = context.house.onChange('instances', () => this.#show());
    this.#show();
  }

  /** The router leaves the view. */
  close() {
    this.#off();
  }

  #show() {
    const { instances, house } = this.#context.house;
    for (const [identity, card] of this.#cards) {
      if (!instances.has(identity)) {
        card.element.remove();
        this.#cards.delete(identity);
      }
    }
    for (const [identity, instance] of instances) {
      const card = this.#cards.get(identity);
      if (card) card.show(instance);
      else this.#add(identity, new InstanceCard(this.#context, instance));
    }
    const told = house.startTime !== undefined;
    this.#empty.hidden = instances.size > 0 || !told;
  }

  /** Put a new card where it belongs by its name. */
  #add(identity, card) {
    const later = [...this.#cards].filter(([other]) => other > identity);
    const next = later.sort(([one], [other]) => (one < other ? -1 : 1))[0]?.[1];
    this.#list.insertBefore(card.element, next?.element ?? null);
    this.#cards.set(identity, card);
  }
}
