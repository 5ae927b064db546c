/** What the lists of clients show in a cell. */

import { h, pill } from '../app/element.js';
import { t, time } from '../app/i18n.js';
import { isExpired, kindOf, usedAt } from './client_rows.js';

/** What the broker calls those that are nothing else. */
const PLAIN = 'client';

const KIND_TONES = { monitor: 'accent', SillyTavern: 'info', other: 'muted' };

/** What a client is; its own word for it, if it has one. */
export function kindPill(word) {
  const kind = kindOf(word);
  const own = kind === 'other' && word && word !== PLAIN;
  return pill(own ? word : t(`clients.kind.${kind}`), KIND_TONES[kind]);
}

/** What a client says of itself, cut; hovering shows all of it. */
export function descCell({ name, desc }) {
  const text = [name, desc].filter(Boolean).join(' · ');
  return h('span', { class: 'client-desc', title: text }, text);
}

export function statusPill({ status }) {
  const online = status === 'online';
  return pill(t(`clients.status.${online ? 'online' : 'away'}`), online ? 'good' : 'muted');
}

export function trustPill({ trusted }) {
  return pill(t(`clients.trusted.${trusted ? 'yes' : 'no'}`), trusted ? 'good' : 'bad');
}

/** When a key was used last; null: there is none. */
export function useOf(key) {
  const moment = key && usedAt(key);
  return moment ? time(moment) : t('clients.never');
}

/** Until when a key is good. */
export function endOf(key) {
  if (!key.expiresAt) return t('clients.key.noEnd');
  const moment = time(key.expiresAt);
  return isExpired(key) ? [moment, ' ', pill(t('clients.key.expired'), 'bad')] : moment;
}

/** Where a key came from last; the broker knows it since its start. */
export function addressOf(key) {
  if (!key || usedAt(key) === null) return '';
  if (key.lastAddress) return key.lastAddress;
  return h('span', { class: 'muted', title: t('clients.unknown.hint') }, t('clients.unknown'));
}
