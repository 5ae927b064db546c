/**
 * Who is in a room: their roles, and adding, muting and putting out.
 *
 * Owns these elements. What is not allowed the broker says.
 */

import { button, field, h, pill } from '../app/element.js';
import { ask, show } from '../app/dialog.js';
import { duration, t, time } from '../app/i18n.js';
import { ROLES } from '../app/room_events.js';
import { isMuted } from '../app/room_members.js';
import { Table } from '../app/table.js';
import { complain, say } from '../app/toast.js';
import { roleName } from './message_card.js';

/** Seconds for which one can be muted; 0: until unmuted. */
const MUTES = [300, 3_600, 86_400, 0];

export class RoomPeople {
  #members;
  #clients;
  #table;
  #known = h('datalist', { id: 'room-known' });

  /**
   * @param {object} parts
   * @param {import('../app/room_members.js').RoomMembers} parts.members
   * @param {() => Map<string, object>} parts.clients who is here, to be added
   */
  constructor({ members, clients }) {
    this.#members = members;
    this.#clients = clients;
    this.#table = new Table({
      caption: t('room.members'),
      columns: [
        { id: 'who', title: t('room.who'), cell: (member) => who(member) },
        { id: 'role', title: t('room.role'), cell: (member) => this.#role(member), narrow: true },
        { id: 'act', title: t('room.acts'), cell: (member) => this.#acts(member), narrow: true },
      ],
      key: ({ identity }) => identity,
      empty: t('room.nobody'),
    });
    this.element = h(
      'section',
      { class: 'room-people', 'aria-labelledby': 'room-people-title' },
      h('h2', { id: 'room-people-title' }, t('room.members')),
      this.#table.element,
      this.#adding(),
    );
    members.addEventListener('members', () => this.#show());
    this.#show();
  }

  #show() {
    this.#table.update(this.#members.all.values());
  }

  #role({ identity, role }) {
    const options = ROLES.map((each) =>
      h('option', { value: each, selected: each === role }, roleName(each)),
    );
    const label = t('room.roleOf', { identity });
    const onChange = (event) => this.#setRole(identity, event.target);
    return h('select', { 'aria-label': label, onChange }, ...options);
  }

  async #setRole(identity, select) {
    const was = this.#members.all.get(identity)?.role;
    try {
      await this.#members.setRole(identity, select.value);
    } catch (error) {
      select.value = was;
      complain(error);
    }
  }

  #acts(member) {
    const { identity } = member;
    const act = (name, onClick) => {
      const one = button({ label: t(`room.${name}`), kind: 'quiet', onClick });
      one.setAttribute('aria-label', t(`room.${name}One`, { identity }));
      return one;
    };
    return h(
      'div',
      { class: 'row-acts' },
      isMuted(member)
        ? act('unmute', () => this.#members.unmute(identity))
        : act('mute', () => this.#mute(identity)),
      act('takeOut', () => this.#takeOut(identity)),
      act('kick', () => this.#kick(identity)),
    );
  }

  #mute(identity) {
    const choose = async (seconds) => {
      await this.#members.mute(identity, seconds);
      dialog.close();
    };
    const buttons = MUTES.map((seconds) => {
      const label = seconds === 0 ? t('room.untilUnmuted') : duration(seconds * 1_000);
      return button({ label, onClick: () => choose(seconds) });
    });
    const dialog = show({
      title: t('room.muteTitle', { identity }),
      body: [h('p', t('room.muteBody')), h('div', { class: 'toolbar' }, ...buttons)],
    });
  }

  async #takeOut(identity) {
    await this.#members.remove(identity);
    say(t('room.tookOut', { identity }));
  }

  async #kick(identity) {
    const sure = await ask({
      title: t('room.kickTitle', { identity }),
      body: t('room.kickBody'),
      confirm: t('room.kick'),
      danger: true,
    });
    if (sure) await this.#members.kick(identity);
  }

  // -- adding

  #adding() {
    const input = h('input', {
      type: 'text',
      required: true,
      maxlength: '128',
      autocomplete: 'off',
      list: this.#known.id,
      onFocus: () => this.#nameKnown(),
    });
    const role = h('select', {}, ...ROLES.map((each) => h('option', { value: each }, roleName(each))));
    const add = async (event) => {
      event.preventDefault();
      try {
        await this.#members.add(input.value.trim(), role.value);
        input.value = '';
      } catch (error) {
        complain(error);
      }
    };
    return h(
      'form',
      { class: 'room-adding', onSubmit: add },
      field({ label: t('room.add'), input, hint: t('room.addHint') }),
      field({ label: t('room.role'), input: role }),
      button({ label: t('room.addNow'), icon: 'add', type: 'submit' }),
      this.#known,
    );
  }

  #nameKnown() {
    const absent = [...this.#clients().keys()].filter((identity) => !this.#members.has(identity));
    this.#known.replaceChildren(...absent.map((identity) => h('option', { value: identity })));
  }
}

function who(member) {
  const { identity, clientId, clientType, online, mutedUntil } = member;
  const muted = isMuted(member);
  const until = mutedUntil ? t('room.mutedUntil', { until: time(mutedUntil) }) : t('room.muted');
  return h(
    'div',
    { class: 'member' },
    h('bdi', identity),
    clientId !== identity && h('bdi', { class: 'muted' }, clientId),
    clientType && h('bdi', { class: 'muted' }, clientType),
    !online && pill(t('room.away')),
    muted && pill(until, 'warn'),
  );
}
