/**
 * The view of the logs.
 *
 * `#/logs`        lines as they are written (live_log.js)
 * `#/logs/past`   the files, page by page (past_log.js)
 */

import { h } from '../app/element.js';
import { t } from '../app/i18n.js';
import { tabs } from './controls.js';
import { debugSwitch } from './debug_switch.js';
import { LiveLog } from './live_log.js';
import { PastLog } from './past_log.js';

const PAST = 'past';

export const view = {
  id: 'logs',
  title: 'logs.title',
  icon: 'logs',
  open(context, page) {
    const part = page === PAST ? new PastLog(context) : new LiveLog(context);
    const debug = debugSwitch(context);
    const element = h('section', { class: 'stack logs' },
      h('header', { class: 'view-head' }, h('h1', t('logs.title')), debug.element),
      tabs({
        label: t('logs.tabs'),
        current: page === PAST ? `logs/${PAST}` : 'logs',
        items: [
          { path: 'logs', title: t('logs.live') },
          { path: `logs/${PAST}`, title: t('logs.past') },
        ],
      }),
      part.element,
    );
    return {
      element,
      close() {
        part.close();
        debug.close();
      },
    };
  },
};
