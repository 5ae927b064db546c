/**
 * The rooms: which there are, making one, deleting one.
 *
 * Owns the list, asked for anew every few seconds while it is looked at: the broker
 * tells of rooms only those who are in them.
 */

import { button, field, h, pill } from '../app/element.js';
import { ask, show } from '../app/dialog.js';
import { number, t } from '../app/i18n.js';
import { createRoom, deleteRoom, listRooms } from '../app/room.js';
import { MODES } from '../app/room_events.js';
import { pathOf } from '../app/router.js';
import { Table } from '../app/table.js';
import { complain, say } from '../app/toast.js';
import { searchBox } from './controls.js';
import { openRoom } from './room.js';

const LOOK_EVERY = 5_000;
/** Rows that are drawn: who has more rooms searches. */
const SHOWN = 300;

/** The view as the router knows it. */
export const view = {
  id: 'rooms',
  title: 'rooms.title',
  icon: 'rooms',
  open: (context, name) => (name === undefined ? new Rooms(context) : openRoom(context, name)),
};

class Rooms {
  #context;
  #rooms = [];
  #wanted = '';
  #timer;
  #offs;
  #count = h('span', { class: 'muted', role: 'status' });
  #table;

  constructor(context) {
    this.#context = context;
    this.#table = new Table({
      caption: t('rooms.title'),
      columns: this.#columns(),
      key: ({ roomName }) => roomName,
      empty: t('rooms.empty'),
      onOpen: ({ roomName }) => context.navigate(pathOf('rooms', roomName)),
    });
    this.element = this.#layout();
    this.#timer = setInterval(() => this.#ifSeen(), LOOK_EVERY);
    this.#offs = context.link.onState((state) => state === 'online' && this.#look());
  }

  close() {
    clearInterval(this.#timer);
    this.#offs();
  }

  #layout() {
    const create = button({
      label: t('rooms.create'),
      icon: 'add',
      kind: 'primary',
      onClick: () => this.#create(),
    });
    return h(
      'section',
      { class: 'rooms stack' },
      h('header', { class: 'view-head' }, h('h1', t('rooms.title')), this.#count, create),
      h(
        'div',
        { class: 'toolbar' },
        searchBox({
          label: t('rooms.search'),
          hint: t('rooms.searchHint'),
          onInput: (wanted) => this.#search(wanted),
        }),
      ),
      this.#table.element,
    );
  }

  #columns() {
    const column = (id, cell, more) => ({ id, title: t(`rooms.column.${id}`), cell, ...more });
    return [
      column('name', ({ roomName }) => h('bdi', roomName), { sort: ({ roomName }) => roomName }),
      column('mode', ({ mode }) => t(`room.mode.${mode}`), { sort: ({ mode }) => mode }),
      column('members', ({ members }) => number(members), { sort: ({ members }) => members }),
      column('master', ({ master }) => h('bdi', master ?? '–'), { sort: ({ master }) => master }),
      column('kind', (room) => kinds(room)),
      column('act', (room) => this.#remove(room), { narrow: true }),
    ];
  }

  #remove({ roomName, master }) {
    if (roomName === master) return ''; // an own room, which nobody deletes
    const one = button({ label: t('rooms.delete'), kind: 'quiet', onClick: () => this.#delete(roomName) });
    one.setAttribute('aria-label', t('rooms.deleteOne', { room: roomName }));
    return one;
  }

  #ifSeen() {
    if (!document.hidden && this.#context.link.state === 'online') this.#look();
  }

  async #look() {
    try {
      this.#rooms = same(this.#rooms, await listRooms(this.#context.link));
      this.#show();
    } catch (error) {
      if (this.#context.link.state === 'online') complain(error);
    }
  }

  #search(wanted) {
    this.#wanted = wanted.trim().toLowerCase();
    this.#show();
  }

  #show() {
    const rows = this.#rooms.filter(({ roomName, master }) =>
      `${roomName}\n${master ?? ''}`.toLowerCase().includes(this.#wanted),
    );
    this.#table.update(rows.slice(0, SHOWN));
    const key = rows.length > SHOWN ? 'rooms.countSome' : 'rooms.count';
    this.#count.textContent = t(key, { count: rows.length, shown: SHOWN });
  }

  async #delete(room) {
    const sure = await ask({
      title: t('room.deleteTitle'),
      body: t('room.deleteBody', { room }),
      confirm: t('rooms.delete'),
      danger: true,
    });
    if (!sure) return;
    await deleteRoom(this.#context.link, room);
    say(t('rooms.deleted', { room }));
    await this.#look();
  }

  #create() {
    const { link, navigate } = this.#context;
    const form = roomForm(async (wishes) => {
      await createRoom(link, wishes);
      dialog.close();
      navigate(pathOf('rooms', wishes.roomName));
    });
    const dialog = show({ title: t('rooms.createTitle'), body: form });
  }
}

/** The fields of `CREATE_ROOM`. @param {(wishes: object) => Promise<void>} create */
function roomForm(create) {
  const name = h('input', { type: 'text', required: true, maxlength: '128', autocomplete: 'off' });
  const mode = h(
    'select',
    {},
    h('option', { value: '' }, t('rooms.usualMode')),
    ...MODES.map((each) => h('option', { value: each }, t(`room.mode.${each}`))),
  );
  const password = h('input', { type: 'password', autocomplete: 'new-password', maxlength: '72' });
  const open = h('input', { type: 'checkbox' });
  const keep = h('input', { type: 'checkbox' });
  const submit = (event) => {
    event.preventDefault();
    const wishes = {
      roomName: name.value.trim(),
      mode: mode.value || undefined,
      password: password.value || undefined,
      open: open.checked,
      keep: keep.checked,
    };
    create(wishes).catch(complain);
  };
  return h(
    'form',
    { class: 'stack', onSubmit: submit },
    field({ label: t('rooms.name'), input: name }),
    field({ label: t('room.mode'), input: mode }),
    check(open, 'rooms.openHint'),
    field({ label: t('rooms.password'), input: password, hint: t('rooms.passwordHint') }),
    check(keep, 'rooms.keepHint'),
    h(
      'div',
      { class: 'dialog-buttons' },
      button({ label: t('rooms.create'), kind: 'primary', type: 'submit' }),
    ),
  );
}

function check(input, key) {
  return h('label', { class: 'check' }, input, h('span', t(key)));
}

function kinds({ open, keep, roomName, master }) {
  return h(
    'span',
    { class: 'row' },
    roomName === master && pill(t('rooms.own')),
    open && pill(t('rooms.open'), 'info'),
    keep && roomName !== master && pill(t('rooms.keep')),
  );
}

/** Rooms that are as they were stay the same objects: the table leaves these alone. */
function same(old, fresh) {
  const known = new Map(old.map((room) => [room.roomName, room]));
  return fresh.map((room) => {
    const before = known.get(room.roomName);
    return before && JSON.stringify(before) === JSON.stringify(room) ? before : room;
  });
}
