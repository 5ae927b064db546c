/** How a request stands, as a badge; and what an operator may do about it. */

import { ask } from '../app/dialog.js';
import { pill } from '../app/element.js';
import { t } from '../app/i18n.js';
import { complain, say } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';

const TONES = Object.freeze({
  held: 'warn',
  queued: 'warn',
  sent: 'info',
  streaming: 'accent',
  completed: 'good',
  failed: 'bad',
  timeout: 'bad',
});

/** The state in a word, coloured; with the place in the queue where it waits in one. */
export function stateBadge({ state, position }) {
  const key = state === 'queued' && position ? 'queuedAt' : state;
  return pill(t(`requests.state.${key}`, { position }), TONES[state]);
}

/**
 * Call a request off, if the operator means it.
 *
 * @param {import('../app/link.js').Link} link
 */
export async function cancel(link, { requestId, requester, room }) {
  const sure = await ask({
    title: t('requests.cancel.title'),
    body: t('requests.cancel.body', { id: requestId, requester }),
    confirm: t('requests.cancel.confirm'),
    danger: true,
  });
  if (!sure) return;
  try {
    await link.call(NAMESPACE.LLM, 'CANCEL_REQUEST', { requestId, requester, roomName: room });
    say(t('requests.cancel.done', { id: requestId }));
  } catch (error) {
    complain(error);
  }
}
