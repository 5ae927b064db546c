/**
 * Where one writes: order an answer of a SillyTavern, or only say something.
 *
 * Shows the draft of the room, which is emptied once the broker has it. Who is not in
 * the room is offered to come in instead.
 */

import { button, h, replace } from '../app/element.js';
import { t } from '../app/i18n.js';
import { complain, say } from '../app/toast.js';

/** Any SillyTavern: the broker's policy chooses. */
const ANY = '';

export class RoomComposer {
  #chat;
  #house;
  #drafts;
  #onSent;
  #off;
  #busy = false;
  #target = h('select', { 'aria-label': t('room.target'), onChange: () => this.#keep() });
  #text = h('textarea', {
    rows: '2',
    dir: 'auto',
    placeholder: t('room.write'),
    'aria-label': t('room.write'),
    onKeydown: (event) => this.#key(event),
    onInput: () => this.#keep(),
  });
  #form;
  #outside;

  /**
   * @param {object} parts
   * @param {import('../app/chat.js').Chat} parts.chat
   * @param {import('../app/house.js').House} parts.house
   * @param {import('../app/drafts.js').Drafts} parts.drafts
   * @param {() => void} parts.onSent
   */
  constructor({ chat, house, drafts, onSent }) {
    this.#chat = chat;
    this.#house = house;
    this.#drafts = drafts;
    this.#onSent = onSent;
    this.#form = h(
      'form',
      { class: 'composer', onSubmit: (event) => this.#submit(event) },
      this.#text,
      h(
        'div',
        { class: 'composer-buttons' },
        this.#target,
        button({ label: t('room.sayOnly'), onClick: () => this.#speak() }),
        button({ label: t('room.order'), icon: 'send', kind: 'primary', type: 'submit' }),
      ),
    );
    this.#outside = h(
      'div',
      { class: 'composer outside' },
      h('p', t('room.outside')),
      h(
        'div',
        { class: 'composer-buttons' },
        button({ label: t('room.refresh'), icon: 'refresh', onClick: () => this.#refresh() }),
        button({ label: t('room.enter'), kind: 'primary', onClick: () => this.#enter() }),
      ),
    );
    this.element = h('div', { class: 'room-composer' }, this.#form, this.#outside);
    this.#off = house.onChange('instances', () => this.#nameInstances());
    chat.addEventListener('joined', () => this.#show());
    const { text, target } = drafts.of(chat.room);
    this.#text.value = text;
    this.#nameInstances(target);
    this.#show();
  }

  close() {
    this.#off();
  }

  #show() {
    this.#form.hidden = !this.#chat.joined;
    this.#outside.hidden = this.#chat.joined;
  }

  async #enter() {
    await this.#chat.enter();
    await this.#refresh();
    this.#text.focus();
  }

  async #refresh() {
    await this.#chat.history.readNewest();
    this.#chat.dispatchEvent(new Event('transcript'));
  }

  #keep() {
    this.#drafts.keep(this.#chat.room, { text: this.#text.value, target: this.#target.value });
  }

  #nameInstances(chosen = this.#target.value) {
    const names = [...this.#house.instances.keys()].sort();
    replace(
      this.#target,
      h('option', { value: ANY }, t('room.anyTarget')),
      ...names.map((name) => h('option', { value: name }, name)),
    );
    this.#target.value = names.includes(chosen) ? chosen : ANY;
  }

  /** Enter sends, with Shift it makes a line; not while a word is being composed. */
  #key(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    this.#submit(event);
  }

  #submit(event) {
    event.preventDefault();
    const target = this.#target.value || undefined;
    this.#send(() => this.#chat.order(this.#text.value, { target }));
  }

  #empty() {
    this.#text.value = '';
    this.#keep();
  }

  #speak() {
    return this.#send(() => this.#chat.speak(this.#text.value));
  }

  /** The draft stays where the broker refuses it, and until it has it. */
  async #send(send) {
    const draft = this.#text.value;
    if (this.#busy || draft.trim() === '') return;
    this.#busy = true;
    try {
      const asked = send();
      this.#onSent();
      const accepted = await asked;
      if (accepted === null) return; // its status says why it has failed
      if (this.#text.value === draft) this.#empty();
      if (accepted.warning) say(accepted.warning);
    } catch (error) {
      complain(error);
    } finally {
      this.#busy = false;
    }
  }
}
