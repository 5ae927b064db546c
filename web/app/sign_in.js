/**
 * The form by which an operator comes in.
 *
 * Owns its element. Must never keep a key: that is for whoever let the form be shown,
 * and only once the broker knows the key.
 */

import { button, field, h, setError } from './element.js';
import { icon } from './icon.js';
import { t } from './i18n.js';

/**
 * @typedef {{clientId: string, key: string}} Credentials
 * @param {object} parts
 * @param {string} [parts.problem] why one is here again
 * @param {string} parts.clientId who it probably is
 * @param {(credentials: Credentials, remember: boolean) => Promise<void>} parts.enter
 *   rejects with what is wrong
 * @param {((clientId: string) => Promise<string>) | null} parts.askForKey if that has a
 *   point
 * @param {HTMLElement} parts.choices language and theme
 * @returns {HTMLElement}
 */
export function signInForm({ problem, clientId, enter, askForKey, choices }) {
  const name = h('input', {
    type: 'text', name: 'username', autocomplete: 'username', required: true, maxlength: 128,
    spellcheck: 'false', autocapitalize: 'none', value: clientId,
  });
  const key = h('input', {
    type: 'password', name: 'password', autocomplete: 'current-password', maxlength: 72,
    spellcheck: 'false',
  });
  const remember = h('input', { type: 'checkbox', id: 'remember' });
  const keyField = field({ label: t('core.key'), input: key, hint: t('core.keyHint', { clientId }) });
  const submit = button({ label: t('core.signIn'), kind: 'primary', type: 'submit' });

  async function come(makeKey) {
    setError(keyField, '');
    submit.disabled = true;
    try {
      const credentials = { clientId: name.value.trim(), key: await makeKey() };
      await enter(credentials, remember.checked);
    } catch (error) {
      setError(keyField, error.message);
      key.select();
    } finally {
      submit.disabled = false;
    }
  }

  const form = h(
    'form',
    { class: 'sign-in-form', onSubmit: (event) => {
      event.preventDefault();
      if (key.value) come(async () => key.value.trim());
      else setError(keyField, t('core.keyMissing'));
    } },
    field({ label: t('core.clientId'), input: name }),
    keyField,
    h('div', { class: 'field' },
      h('label', { class: 'check', for: 'remember' }, remember, h('span', t('core.remember'))),
      h('p', { class: 'field-hint' }, t('core.rememberHint'))),
    submit,
    askForKey && [
      h('p', { class: 'or' }, t('core.or')),
      button({
        label: t('core.askForKey'), icon: 'key', onClick: () => come(() => askForKey(name.value.trim())),
      }),
      h('p', { class: 'field-hint' }, t('core.askForKeyHint')),
    ],
  );
  name.addEventListener('input', () => {
    const hint = keyField.querySelector('.field-hint');
    hint.textContent = t('core.keyHint', { clientId: name.value.trim() || clientId });
  });
  if (problem) setError(keyField, problem);
  return h(
    'main',
    { class: 'sign-in' },
    h('div', { class: 'sign-in-card' },
      h('div', { class: 'sign-in-head' },
        h('div', { class: 'brand' }, icon('mug'), h('h1', 'Tapster')), choices),
      h('p', { class: 'muted' }, t('core.welcome')),
      form),
  );
}
