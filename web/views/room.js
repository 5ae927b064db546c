/**
 * One room: what is said in it, who is in it, and what it is.
 *
 * Owns its panes and what they stand on, from opening to closing; each pane draws
 * itself. Beside each other where there is room, else one at a time.
 */

import { button, emptyState, h, pill, replace } from '../app/element.js';
import { t } from '../app/i18n.js';
import { Chat } from '../app/chat.js';
import { Room } from '../app/room.js';
import { ROOM_CODE } from '../app/room_events.js';
import { RoomMembers } from '../app/room_members.js';
import { complain } from '../app/toast.js';
import { RoomAbout } from './room_about.js';
import { RoomComposer } from './room_composer.js';
import { RoomPeople } from './room_people.js';
import { RoomTalk } from './room_talk.js';

const PANES = ['chat', 'members', 'about'];

/** @param {object} context @param {string} name the room's */
export function openRoom(context, name) {
  return new RoomView(context, name);
}

class RoomView {
  #context;
  #name;
  #open = [];
  #closed = false;
  #room;
  #members;
  #shown = false;
  #off;

  constructor(context, name) {
    this.#context = context;
    this.#name = name;
    const about = { link: context.link, room: name };
    this.#room = new Room(about);
    this.#members = new RoomMembers(about);
    this.element = h('div', { class: 'room', dataset: { pane: PANES[0] } }, h('p', t('room.opening')));
    this.#off = context.link.onState((state) => {
      if (state === 'online') this.#load();
    });
  }

  close() {
    this.#closed = true;
    this.#off();
    for (const part of this.#open.splice(0).reverse()) part.close();
  }

  /** Ask what the room is and who is in it, now and after each lost connection. */
  async #load() {
    try {
      const [isThere] = await Promise.all([this.#room.load(), this.#members.load()]);
      if (!isThere) this.#missing();
      else if (!this.#shown && !this.#closed) this.#show();
    } catch (error) {
      if (error.code === ROOM_CODE.ROOM_NOT_FOUND) this.#missing();
      else if (this.#context.link.state === 'online') complain(error);
    }
  }

  #show() {
    this.#shown = true;
    const { link, house, drafts } = this.#context;
    const [room, members] = [this.#room, this.#members];
    const chat = new Chat({ link, room: this.#name });
    for (const part of [room, members]) part.open();
    chat.open({ joined: members.has(link.identity) });
    const talk = new RoomTalk({ chat, self: link.identity });
    const composer = new RoomComposer({ chat, house, drafts, onSent: () => talk.toEnd() });
    const people = new RoomPeople({ members, clients: () => house.clients });
    const aside = new RoomAbout({ room, chat });
    this.#open = [room, members, chat, talk, composer];
    chat.addEventListener('gone', () => this.#missing());
    chat.addEventListener('joined', () => members.load().catch(complain));
    replace(
      this.element,
      this.#head(room, chat, members),
      this.#panes(),
      h(
        'div',
        { class: 'room-panes' },
        h('div', { class: 'room-pane', dataset: { of: 'chat' } }, talk.element, composer.element),
        h('div', { class: 'room-pane', dataset: { of: 'members' } }, people.element),
        h('div', { class: 'room-pane', dataset: { of: 'about' } }, aside.element),
      ),
    );
    talk.toEnd();
    chat.history.readNewest().catch(complain);
  }

  #head(room, chat, members) {
    const { link } = this.#context;
    const mode = h('span', { class: 'row' });
    const leave = button({
      label: t('room.leave'),
      icon: 'leave',
      kind: 'quiet',
      onClick: () => chat.leave(),
    });
    const show = () => {
      const own = this.#name === link.identity;
      const { details } = room;
      leave.hidden = !chat.joined || own;
      replace(
        mode,
        pill(t(`room.mode.${details.mode}`)),
        details.open && pill(t('rooms.open'), 'info'),
        details.keep && pill(t('rooms.keep')),
        h('span', { class: 'muted' }, t('room.count', { count: members.all.size })),
      );
    };
    for (const [part, what] of [[room, 'room'], [chat, 'joined'], [members, 'members']]) {
      part.addEventListener(what, show);
    }
    show();
    return h(
      'header',
      { class: 'view-head room-head' },
      h('a', { href: '#/rooms', class: 'room-back' }, t('room.back')),
      h('h1', h('bdi', this.#name)),
      mode,
      leave,
    );
  }

  /** Which pane is seen where there is space for one. */
  #panes() {
    const tabs = PANES.map((pane) => {
      const tab = button({ label: t(`room.pane.${pane}`), onClick: () => show(pane) });
      return [pane, tab];
    });
    const show = (chosen) => {
      this.element.dataset.pane = chosen;
      for (const [pane, tab] of tabs) tab.setAttribute('aria-pressed', `${pane === chosen}`);
    };
    show(PANES[0]);
    return h(
      'div',
      { class: 'room-tabs', role: 'group', 'aria-label': t('room.panes') },
      tabs.map(([, tab]) => tab),
    );
  }

  #missing() {
    if (this.#closed) return;
    this.#closed = true;
    this.#off();
    for (const part of this.#open.splice(0).reverse()) part.close();
    const back = h('a', { href: '#/rooms' }, t('room.back'));
    replace(
      this.element,
      h('header', { class: 'view-head' }, h('h1', h('bdi', this.#name))),
      emptyState(t('room.missing'), t('room.missingHint')),
      h('p', back),
    );
  }
}
