/**
 * Trusting clients and no longer trusting them, and their keys: what is asked before,
 * what is said after.
 *
 * A new key is told to the operator once: it is in the dialog that says so, and gone
 * with that. Must never put it anywhere else.
 */

import { ask, show } from '../app/dialog.js';
import { button, field, h, setError } from '../app/element.js';
import { t } from '../app/i18n.js';
import { pathOf } from '../app/router.js';
import { complain, say } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';
import { kindOf, MONITOR } from './client_rows.js';

/** As the broker has it: 1 to 128 characters, none of them a control character. */
const CLIENT_ID = /^[^\p{Cc}]{1,128}$/u;

/** Ask for a client and trust it; then show it, where a key can be made. */
export function trustSomebody(context) {
  const input = h('input', {
    type: 'text', required: true, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false',
  });
  const line = field({ label: t('clients.add.id'), input, hint: t('clients.add.hint') });
  const submit = async (event) => {
    event.preventDefault();
    const clientId = input.value.trim();
    if (!CLIENT_ID.test(clientId)) return setError(line, t('clients.add.bad'));
    try {
      await trust(context, clientId, true);
    } catch (error) {
      return setError(line, error.message);
    }
    dialog.close();
    context.navigate(pathOf('clients', 'of', clientId));
  };
  const form = h('form', { class: 'stack', onSubmit: submit, novalidate: true },
    h('p', t('clients.add.body')),
    line,
    h('div', { class: 'dialog-buttons' },
      button({ label: t('core.cancel'), onClick: () => dialog.close() }),
      button({ label: t('clients.trust'), kind: 'primary', type: 'submit' })),
  );
  const dialog = show({ title: t('clients.add'), body: form });
  input.focus();
}

/** Trust a client; says whether it came to that. */
export async function trustAgain(context, { clientId }) {
  return done(() => trust(context, clientId, true));
}

/** Trust a client no longer, if that is really meant. */
export async function distrust(context, { clientId }) {
  const meant = await ask({
    title: t('clients.distrust.ask', { clientId }),
    body: t('clients.distrust.body'),
    confirm: t('clients.distrust'),
    danger: true,
  });
  return meant && done(() => trust(context, clientId, false));
}

/** Revoke a key, if that is really meant. */
export async function revoke({ link }, clientId, keyId) {
  const meant = await ask({
    title: t('clients.revoke.ask', { keyId, clientId }),
    body: t('clients.revoke.body'),
    confirm: t('clients.revoke'),
    danger: true,
  });
  if (!meant) return false;
  return done(async () => {
    await link.call(NAMESPACE.DEBUG, 'REVOKE_KEY', { clientId, keyId });
    say(t('clients.revoke.done'));
  });
}

/** Make a key and show it until it is put away. */
export async function makeKey({ link }, { clientId, kind }) {
  const monitor = kindOf(kind) === MONITOR;
  if (monitor && !(await sureOfMonitor(clientId))) return false;
  return done(async () => {
    const { key } = await link.call(NAMESPACE.DEBUG, 'MAKE_KEY', { clientId, monitor });
    await showOnce(clientId, key);
  });
}

async function trust({ link }, clientId, trusted) {
  await link.call(NAMESPACE.DEBUG, 'TRUST_CLIENT', { clientId, trusted });
  say(t(trusted ? 'clients.trust.done' : 'clients.distrust.done', { clientId }));
}

function sureOfMonitor(clientId) {
  return ask({
    title: t('clients.make.ask', { clientId }),
    body: t('clients.make.monitor', { clientId }),
    confirm: t('clients.make'),
    danger: true,
  });
}

async function done(act) {
  try {
    await act();
    return true;
  } catch (error) {
    complain(error);
    return false;
  }
}

/** @returns {Promise<void>} once the key is out of the page again */
function showOnce(clientId, key) {
  // Not in an input: browsers keep what stands in these for when a page comes back.
  const shown = h('div', {
    class: 'new-key mono', role: 'textbox', 'aria-readonly': true, tabindex: '0',
    'aria-label': t('clients.made.label'),
  }, key);
  const said = h('p', { class: 'muted', role: 'status' });
  return new Promise((resolve) => {
    const dialog = show({
      title: t('clients.made', { clientId }),
      body: h('div', { class: 'stack' },
        h('p', t('clients.made.once')),
        shown,
        said,
        h('div', { class: 'dialog-buttons' },
          button({ label: t('clients.made.done'), onClick: () => dialog.close() }),
          button({
            label: t('clients.copy'),
            icon: 'copy',
            kind: 'primary',
            onClick: async () => {
              said.textContent = t((await copied(shown)) ? 'clients.copied' : 'clients.copy.byHand');
            },
          }))),
      close() {
        shown.textContent = '';
        removeEventListener('hashchange', leave);
        resolve();
      },
    });
    dialog.element.querySelector('.primary').focus();
    const leave = () => dialog.close();
    addEventListener('hashchange', leave);
  });
}

/** Copy what an element says, and have it selected in any case. */
async function copied(element) {
  getSelection().selectAllChildren(element);
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // Without HTTPS there is no clipboard, but there may be the older way.
    return document.execCommand('copy');
  }
}
