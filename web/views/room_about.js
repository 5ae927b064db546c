/**
 * The room itself: its mode, its history as a file, clearing it, deleting it.
 *
 * Owns these elements.
 */

import { button, field, h } from '../app/element.js';
import { ask } from '../app/dialog.js';
import { t } from '../app/i18n.js';
import { asChat, asJson, fileName } from '../app/chat_export.js';
import { MODES } from '../app/room_events.js';
import { complain, say } from '../app/toast.js';

/** What can be cleared. */
const CLEARINGS = Object.freeze({
  requests: { clearRequests: true },
  responses: { clearResponses: true },
  everything: {},
});

export class RoomAbout {
  #room;
  #chat;
  #mode;
  #hint = h('p', { class: 'field-hint' });
  #shown = '';

  /**
   * @param {object} parts
   * @param {import('../app/room.js').Room} parts.room
   * @param {import('../app/chat.js').Chat} parts.chat
   */
  constructor({ room, chat }) {
    this.#room = room;
    this.#chat = chat;
    this.#mode = h(
      'select',
      { onChange: () => this.#setMode() },
      ...MODES.map((mode) => h('option', { value: mode }, t(`room.mode.${mode}`))),
    );
    this.element = h(
      'section',
      { class: 'room-about', 'aria-labelledby': 'room-about-title' },
      h('h2', { id: 'room-about-title' }, t('room.about')),
      h('div', { class: 'stack' }, field({ label: t('room.mode'), input: this.#mode }), this.#hint),
      this.#part('exportTitle', [
        this.#action('exportJson', 'download', () => this.#save('json', 'application/json', asJson)),
        this.#action('exportChat', 'download', () => this.#save('jsonl', 'application/jsonl', asChat)),
      ]),
      this.#part('clearTitle', Object.keys(CLEARINGS).map((what) =>
        this.#action(`clear.${what}`, 'remove', () => this.#clear(what)))),
      this.#part('deleteTitle', [this.#action('delete', 'remove', () => this.#delete(), 'danger')]),
    );
    room.addEventListener('room', () => this.#show());
    this.#show();
  }

  #part(title, actions) {
    return h(
      'div',
      { class: 'room-part' },
      h('h3', t(`room.${title}`)),
      h('div', { class: 'toolbar' }, ...actions),
    );
  }

  #action(name, icon, onClick, kind) {
    return button({ label: t(`room.${name}`), icon, onClick, kind });
  }

  #show() {
    this.#shown = this.#room.details.mode;
    this.#mode.value = this.#shown;
    this.#hint.textContent = t(`room.mode.${this.#shown}.about`);
  }

  async #setMode() {
    try {
      await this.#room.setMode(this.#mode.value);
    } catch (error) {
      this.#mode.value = this.#shown;
      complain(error);
    }
  }

  /** All of it, not only what was loaded to be read. */
  async #save(ending, type, write) {
    const { transcript, history, room } = this.#chat;
    if (!transcript.complete) await history.readAll(() => {});
    this.#chat.dispatchEvent(new Event('transcript'));
    const file = new Blob([write(room, transcript.messages)], { type });
    const href = URL.createObjectURL(file);
    h('a', { href, download: fileName(room, ending) }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
    say(t('room.exported', { count: transcript.size }));
  }

  async #clear(what) {
    const sure = await ask({
      title: t(`room.clear.${what}`),
      body: t(`room.clear.${what}.body`, { room: this.#chat.room }),
      confirm: t('room.clearNow'),
      danger: true,
    });
    if (!sure) return;
    await this.#chat.clear(CLEARINGS[what]);
    await this.#chat.history.readNewest();
    this.#chat.dispatchEvent(new Event('transcript'));
    say(t('room.cleared'));
  }

  async #delete() {
    const sure = await ask({
      title: t('room.deleteTitle'),
      body: t('room.deleteBody', { room: this.#chat.room }),
      confirm: t('room.delete'),
      danger: true,
    });
    if (sure) await this.#room.delete();
  }
}
