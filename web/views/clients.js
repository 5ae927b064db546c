/**
 * The view of clients: who is here, who is trusted, and one of them with its keys.
 *
 * `#/clients`           who is here, live
 * `#/clients/keys`      who is trusted or has keys
 * `#/clients/of/<id>`   one client (client.js)
 */

import { t, time } from '../app/i18n.js';
import { pathOf } from '../app/router.js';
import { openClient } from './client.js';
import { ClientBook } from './client_book.js';
import { addressOf, descCell, kindPill, statusPill, trustPill, useOf } from './client_cells.js';
import { ClientList } from './client_list.js';
import { bookRows, hereRows, newestUse } from './client_rows.js';

const ONE = 'of';
const BOOK = 'keys';

export const view = {
  id: 'clients',
  title: 'clients.title',
  icon: 'clients',
  open(context, page, clientId) {
    if (page === ONE && clientId !== undefined) return openClient(context, clientId);
    return page === BOOK ? openBook(context) : openHere(context);
  },
};

function openHere(context) {
  const { house } = context;
  const list = new ClientList(context, {
    path: 'clients',
    title: t('clients.here'),
    searchHint: t('clients.search.here'),
    empty: t('clients.here.empty'),
    columns: hereColumns(),
    key: ({ identity }) => identity,
    rows: (filter) => hereRows(house.clients, filter),
    count: () => house.clients.size,
    onOpen: (row) => open(context, row),
  });
  const off = house.onChange('clients', () => list.show());
  return { element: list.element, close: off };
}

function openBook(context) {
  const book = new ClientBook(context, () => list.show());
  const list = new ClientList(context, {
    path: `clients/${BOOK}`,
    title: t('clients.book'),
    searchHint: t('clients.search.book'),
    empty: t('clients.book.empty'),
    columns: bookColumns(),
    key: ({ clientId }) => clientId,
    rows: (filter) => bookRows(book.entries, filter),
    count: () => book.entries.length,
    onOpen: (row) => open(context, row),
  });
  return { element: list.element, close: () => book.close() };
}

function open({ navigate }, { clientId }) {
  navigate(pathOf('clients', ONE, clientId));
}

function hereColumns() {
  return [
    column('identity', ({ identity }) => identity),
    column('client', ({ clientId }) => clientId),
    column('kind', ({ clientType }) => kindPill(clientType), ({ clientType }) => clientType),
    column('desc', descCell, ({ name, desc }) => name || desc),
    narrow('status', statusPill, ({ status }) => status),
    narrow('address', ({ address }) => address),
    narrow('rooms', ({ rooms }) => rooms),
    narrow('since', ({ connectedAt }) => time(connectedAt), ({ connectedAt }) => connectedAt),
  ];
}

function bookColumns() {
  return [
    column('client', ({ clientId }) => clientId),
    column('kind', ({ kind }) => kindPill(kind), ({ kind }) => kind),
    column('trusted', trustPill, ({ trusted }) => Number(trusted)),
    narrow('keys', ({ keys }) => keys.length),
    narrow('online', ({ online }) => online),
    column('lastUsed', (row) => useOf(newestUse(row)), (row) => newestUse(row)?.lastUsedAt),
    column('lastAddress', (row) => addressOf(newestUse(row)), (row) => newestUse(row)?.lastAddress),
  ];
}

function column(id, cell, sort = cell) {
  return { id, title: t(`clients.${id}`), cell, sort };
}

function narrow(...parts) {
  return { ...column(...parts), narrow: true };
}
