/**
 * The message request mode of rooms made from now on, and another one chosen.
 *
 * Owns its buttons. Which modes there are is what the broker says of the setting.
 */

import { h } from '../app/element.js';
import { t } from '../app/i18n.js';
import { complain, say } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';

const SETTING = 'defaultRoomMessageRequestMode';

export class ModeChooser {
  #link;
  #onChange;
  #choices = h('div', { class: 'policy-choices', role: 'group', 'aria-labelledby': 'mode-title' });
  #buttons = new Map();
  #now;

  /** @param {() => void} onChange another mode is in force */
  constructor({ link }, onChange) {
    this.#link = link;
    this.#onChange = onChange;
    this.element = h('section', { class: 'stack', 'aria-labelledby': 'mode-title' },
      h('h2', { id: 'mode-title' }, t('settings.mode')),
      h('p', { class: 'muted' }, t('settings.mode.about')),
      this.#choices,
    );
  }

  /** Show the mode that these settings say. */
  show(settings) {
    const setting = settings.find(({ name }) => name === SETTING);
    this.#now = setting.value;
    for (const mode of setting.choices) {
      if (!this.#buttons.has(mode)) this.#add(mode);
      this.#buttons.get(mode).setAttribute('aria-pressed', String(mode === this.#now));
    }
  }

  #add(mode) {
    const button = h('button',
      { type: 'button', class: 'policy-choice', onClick: () => this.#choose(mode) },
      h('span', { class: 'policy-name' }, t(`settings.mode.name.${mode}`)),
      h('span', { class: 'muted' }, t(`settings.mode.${mode}`)),
    );
    this.#buttons.set(mode, button);
    this.#choices.append(button);
  }

  async #choose(mode) {
    if (mode === this.#now) return;
    try {
      await this.#link.call(NAMESPACE.ROOMS, 'SET_MESSAGE_REQUEST_MODE', { mode });
      say(t('settings.mode.set', { mode: t(`settings.mode.name.${mode}`) }));
      this.#onChange();
    } catch (error) {
      complain(error);
    }
  }
}
