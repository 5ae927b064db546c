/** One client: whether it is trusted, its sessions that are here, and its keys. */

import { button, h, replace } from '../app/element.js';
import { t, time } from '../app/i18n.js';
import { Table } from '../app/table.js';
import { ClientBook } from './client_book.js';
import { addressOf, descCell, endOf, kindPill, statusPill, trustPill, useOf } from './client_cells.js';
import { kindOf, MONITOR, sessionsOf } from './client_rows.js';
import { distrust, makeKey, revoke, trustAgain } from './trusting.js';

/** @returns {{element: HTMLElement, close: () => void}} */
export function openClient(context, clientId) {
  return new ClientPage(context, clientId);
}

class ClientPage {
  #context;
  #clientId;
  #book;
  #state = h('div', { class: 'row' });
  #actions = h('div', { class: 'row' });
  #sessions;
  #keys;
  #noKeys = h('p', { class: 'empty' });

  constructor(context, clientId) {
    this.#context = context;
    this.#clientId = clientId;
    this.#book = new ClientBook(context, () => this.#show());
    this.#sessions = new Table({
      caption: t('clients.one.sessions'),
      columns: sessionColumns(),
      key: ({ identity }) => identity,
      empty: t('clients.one.noSessions'),
    });
    this.#keys = new Table({
      caption: t('clients.one.keys'),
      columns: this.#keyColumns(),
      key: ({ id }) => id,
      empty: this.#noKeys,
    });
    this.element = this.#layout();
    this.#show();
  }

  /** The router leaves the view. */
  close() {
    this.#book.close();
  }

  #layout() {
    return h('section', { class: 'stack clients' },
      h('p', h('a', { href: '#/clients/keys' }, t('clients.back'))),
      h('header', { class: 'view-head' }, h('h1', this.#clientId), this.#actions),
      this.#state,
      h('h2', t('clients.one.keys')),
      this.#keys.element,
      h('h2', t('clients.one.sessions')),
      this.#sessions.element,
    );
  }

  #show() {
    const entry = this.#book.find(this.#clientId);
    this.#sessions.update(sessionsOf(this.#clientId, this.#context.house.clients));
    this.#keys.update(entry?.keys ?? []);
    if (!this.#book.looked) return;
    this.#noKeys.textContent = t(entry?.trusted ? 'clients.one.noKeys' : 'clients.one.noKeysNoTrust');
    replace(this.#state, this.#words(entry));
    this.#showActions(entry);
  }

  #words(entry) {
    const clientId = this.#clientId;
    if (!entry) return trustPill({ trusted: false });
    const note = this.#isOtherMonitor(entry)
      && h('p', { class: 'muted' }, t('clients.one.monitor', { clientId }));
    return [kindPill(entry.kind), trustPill(entry), note];
  }

  /** Only where they are others than before: one of them may have the focus. */
  #showActions(entry) {
    const own = this.#clientId === this.#context.link.clientId;
    const may = { distrust: entry?.trusted && !own, trust: !entry?.trusted, make: entry?.trusted };
    const shown = this.#isOtherMonitor(entry) ? 'none' : JSON.stringify(may);
    if (this.#actions.dataset.shown === shown) return;
    this.#actions.dataset.shown = shown;
    replace(this.#actions, shown === 'none' ? [] : this.#buttons(may));
  }

  #buttons({ distrust: mayDistrust, trust: mayTrust, make }) {
    const act = (action) => () => this.#act(action);
    return [
      mayDistrust && button({ label: t('clients.distrust'), kind: 'danger', onClick: act(distrust) }),
      mayTrust && button({ label: t('clients.trust'), kind: 'primary', onClick: act(trustAgain) }),
      make && button({ label: t('clients.make'), icon: 'key', kind: 'primary', onClick: act(makeKey) }),
    ];
  }

  /** A monitor rules over everybody but other monitors. */
  #isOtherMonitor(entry) {
    return kindOf(entry?.kind) === MONITOR && this.#clientId !== this.#context.link.clientId;
  }

  async #act(action) {
    const entry = this.#book.find(this.#clientId) ?? { clientId: this.#clientId };
    if (await action(this.#context, entry)) await this.#book.look();
  }

  #keyColumns() {
    return [
      column('key.id', ({ id }) => h('code', id)),
      column('key.created', ({ createdAt }) => time(createdAt)),
      column('key.expires', endOf),
      column('lastUsed', useOf),
      column('lastAddress', addressOf),
      narrow('key.act', ({ id }) => this.#revokeButton(id)),
    ];
  }

  #revokeButton(keyId) {
    if (this.#isOtherMonitor(this.#book.find(this.#clientId))) return '';
    const element = button({
      label: t('clients.revoke'),
      kind: 'danger',
      onClick: async () => {
        if (await revoke(this.#context, this.#clientId, keyId)) await this.#book.look();
      },
    });
    element.setAttribute('aria-label', t('clients.revoke.label', { keyId }));
    return element;
  }
}

function sessionColumns() {
  return [
    column('identity', ({ identity }) => identity),
    column('kind', ({ clientType }) => kindPill(clientType)),
    column('desc', descCell),
    narrow('status', statusPill),
    narrow('address', ({ address }) => address),
    narrow('rooms', ({ rooms }) => rooms),
    narrow('since', ({ connectedAt }) => time(connectedAt)),
  ];
}

function column(id, cell) {
  return { id, title: t(`clients.${id}`), cell };
}

function narrow(id, cell) {
  return { ...column(id, cell), narrow: true };
}
