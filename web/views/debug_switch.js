/** The switch of debug mode, in which everything is logged. */

import { button } from '../app/element.js';
import { t } from '../app/i18n.js';
import { complain, say } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';

/** @returns {{element: HTMLElement, close: () => void}} */
export function debugSwitch({ house, link }) {
  const element = button({ label: t('logs.debug'), onClick: toggle });
  const show = () => element.setAttribute('aria-pressed', String(house.house.debugMode === true));

  async function toggle() {
    try {
      const { debugMode } = await link.call(NAMESPACE.DEBUG, 'TOGGLE_DEBUG_MODE');
      say(t(debugMode ? 'logs.debug.on' : 'logs.debug.off'));
    } catch (error) {
      complain(error);
    }
  }

  show();
  return { element, close: house.onChange('house', show) };
}
