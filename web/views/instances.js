/**
 * The SillyTaverns, the policy that shares them out, and which room may use which.
 *
 * Puts its three parts together; each owns what it shows.
 */

import { h } from '../app/element.js';
import { t } from '../app/i18n.js';
import { AssignmentBoard } from './assignment_board.js';
import { InstanceCards } from './instance_cards.js';
import { PolicyChooser } from './policy_chooser.js';

/** The view as the router knows it. */
export const view = {
  id: 'instances',
  title: 'instances.title',
  icon: 'instances',
  open(context) {
    const parts = [
      new InstanceCards(context),
      new PolicyChooser(context),
      new AssignmentBoard(context),
    ];
    return {
      element: h('section', { class: 'instances stack' },
        h('div', { class: 'view-head' }, h('h1', t('instances.title'))),
        ...parts.map(({ element }) => element),
      ),
      close() {
        for (const part of parts) part.close();
      },
    };
  },
};
