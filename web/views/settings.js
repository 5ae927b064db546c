/**
 * The view of the settings.
 *
 * `#/settings`          what can be changed here, and all settings (setting_table.js)
 * `#/settings/routes`   the routing rules (routes.js)
 */

import { h } from '../app/element.js';
import { t } from '../app/i18n.js';
import { complain } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';
import { tabs } from './controls.js';
import { debugSwitch } from './debug_switch.js';
import { ModeChooser } from './mode_chooser.js';
import { PolicyChooser } from './policy_chooser.js';
import { Routes } from './routes.js';
import { SettingTable } from './setting_table.js';

const ROUTES = 'routes';

export const view = {
  id: 'settings',
  title: 'settings.title',
  icon: 'settings',
  open(context, page) {
    const part = page === ROUTES ? new Routes(context) : new Settings(context);
    const element = h('section', { class: 'stack settings' },
      h('header', { class: 'view-head' }, h('h1', t('settings.title'))),
      tabs({
        label: t('settings.tabs'),
        current: page === ROUTES ? `settings/${ROUTES}` : 'settings',
        items: [
          { path: 'settings', title: t('settings.title') },
          { path: `settings/${ROUTES}`, title: t('settings.routes') },
        ],
      }),
      part.element,
    );
    return { element, close: () => part.close() };
  },
};

/** All settings, with those that can be changed at once above them. */
class Settings {
  #link;
  #table = new SettingTable();
  #policy;
  #mode;
  #debug;
  #off;

  constructor(context) {
    this.#link = context.link;
    this.#policy = new PolicyChooser(context);
    this.#mode = new ModeChooser(context, () => this.#look());
    this.#debug = debugSwitch(context);
    this.element = h('div', { class: 'stack settings-all' },
      this.#policy.element,
      this.#mode.element,
      h('section', { class: 'stack', 'aria-labelledby': 'debug-title' },
        h('h2', { id: 'debug-title' }, t('settings.debug')),
        h('div', { class: 'row' },
          this.#debug.element,
          h('p', { class: 'muted' }, t('settings.debug.about')))),
      this.#table.element,
    );
    // At once where we are connected, and after each reconnection.
    this.#off = this.#link.onState((state) => {
      if (state === 'online') this.#look();
    });
  }

  close() {
    this.#off();
    this.#policy.close();
    this.#debug.close();
  }

  async #look() {
    try {
      const { settings } = await this.#link.call(NAMESPACE.DEBUG, 'GET_SETTINGS', {});
      this.#table.show(settings);
      this.#mode.show(settings);
    } catch (error) {
      complain(error);
    }
  }
}
