/**
 * What is said in a room: the history, answers as they come, and the search.
 *
 * Owns these elements. Draws what the chat says, at most once a frame, and asks it for
 * what the operator does; knows nothing of the wire.
 */

import { button, field, h, replace } from '../app/element.js';
import { ask, show } from '../app/dialog.js';
import { t } from '../app/i18n.js';
import { TERMINAL } from '../app/room_events.js';
import { complain, say } from '../app/toast.js';
import { textOf } from '../app/transcript.js';
import { afterRest } from './controls.js';
import { LiveCard, messageCard, pendingCard } from './message_card.js';
import { MessageWindow } from './message_window.js';

export class RoomTalk {
  #chat;
  #self;
  #wanted = '';
  #live = new Map();
  #due = null;
  #window;
  /** Whether more has changed than the answers on their way. */
  #all = true;
  #where = h('span', { class: 'said-where' });
  #older = button({ label: t('room.loadOlder'), icon: 'up', onClick: () => this.#loadOlder() });
  #begin = h('p', { class: 'said-begin' });
  #onTheirWay = h('ol', { class: 'said' });
  #people = h('p', { class: 'said-people', role: 'status' });
  #toEnd = button({ label: t('room.toEnd'), icon: 'down', onClick: () => this.#window.toEnd() });

  /** @param {{chat: import('../app/chat.js').Chat, self: string}} parts */
  constructor({ chat, self }) {
    this.#chat = chat;
    this.#self = self;
    this.#window = new MessageWindow({
      label: t('room.history'),
      draw: (message) => this.#card(message),
      before: h('div', { class: 'said-start' }, this.#begin, this.#older),
      after: h('div', { class: 'said-end' }, this.#onTheirWay, this.#people),
      onMove: (where) => this.#moved(where),
      onStart: () => this.#loadOlder(),
    });
    this.element = h(
      'section',
      { class: 'room-talk', 'aria-label': t('room.chat') },
      this.#tools(),
      h('div', { class: 'said-around' }, this.#window.element, this.#toEnd),
    );
    for (const what of ['transcript', 'requests', 'people']) {
      chat.addEventListener(what, () => this.#soon());
    }
    chat.addEventListener('requests', () => this.#window.forget((message) => this.#isOurs(message)));
    chat.addEventListener('answers', () => this.#onNextFrame());
    this.#draw();
  }

  close() {
    cancelAnimationFrame(this.#due);
    this.#search.stop();
  }

  /** Show the end, where what is ordered now will be. */
  toEnd() {
    this.#window.toEnd();
  }

  // -- drawing

  #soon() {
    this.#all = true;
    this.#onNextFrame();
  }

  /** However much comes, there is one drawing in a frame. */
  #onNextFrame() {
    this.#due ??= requestAnimationFrame(() => {
      this.#due = null;
      this.#draw();
    });
  }

  #draw() {
    if (this.#all) this.#drawHistory();
    this.#all = false;
    this.#drawOnTheirWay();
    this.#window.grew();
  }

  #drawHistory() {
    const { transcript, people } = this.#chat;
    this.#window.update(transcript.search(this.#wanted));
    this.#older.hidden = transcript.complete;
    this.#begin.textContent = t(transcript.size === 0 ? 'room.nothingSaid' : 'room.begin');
    this.#begin.hidden = !transcript.complete;
    this.#people.textContent = [...people]
      .map(([identity, status]) => t(`room.doing.${status}`, { identity }))
      .join(' · ');
  }

  #drawOnTheirWay() {
    const pending = [...this.#chat.requests.values()].filter(
      ({ requestId, status }) => !TERMINAL.has(status) && !this.#chat.transcript.hasRequest(requestId),
    );
    const answers = [...this.#chat.answers];
    const live = new Map(answers.map((answer) => [answer.outputId, this.#liveCard(answer)]));
    const stale = [...this.#live.keys()].some((outputId) => !live.has(outputId));
    const isNew = [...live.keys()].some((outputId) => !this.#live.has(outputId));
    this.#live = live;
    if (stale || isNew || pending.length > 0 || this.#onTheirWay.childElementCount !== live.size) {
      const cards = pending.map((request) => pendingCard(request, () => this.#cancel(request)));
      replace(this.#onTheirWay, ...cards, ...[...live.values()].map(({ element }) => element));
    }
    for (const answer of answers) live.get(answer.outputId).show(answer);
  }

  #liveCard(answer) {
    return this.#live.get(answer.outputId) ?? new LiveCard(() => this.#cancel(answer));
  }

  #card(message) {
    const { requests } = this.#chat;
    return messageCard(message, {
      self: this.#self,
      wanted: this.#wanted,
      request: this.#isOurs(message) ? requests.get(message.requestId) : undefined,
      act: (what, about) => this.#act(what, about),
    });
  }

  #isOurs({ fromClient, requestId }) {
    return fromClient && this.#chat.requests.has(requestId);
  }

  #moved({ from, to, total, following }) {
    this.#toEnd.hidden = following;
    const key = this.#wanted ? 'room.found' : 'room.where';
    const nothing = total === 0 && !this.#wanted;
    this.#where.textContent = nothing ? '' : t(key, { from, to, count: total });
    // Scrolling is not to be read aloud, what a search has found is.
    this.#where.setAttribute('aria-live', this.#wanted ? 'polite' : 'off');
  }

  // -- what one does

  #tools() {
    const input = h('input', {
      type: 'search',
      placeholder: t('room.searchHint'),
      autocomplete: 'off',
      spellcheck: 'false',
      maxlength: '256',
      onInput: () => this.#search(input.value),
    });
    return h(
      'div',
      { class: 'said-tools' },
      field({ label: t('room.search'), input }),
      this.#where,
    );
  }

  #search = afterRest((wanted) => {
    this.#wanted = wanted.trim();
    this.#window.forget();
    this.#all = true;
    this.#draw();
    this.#window.toEnd();
  });

  #act(what, message) {
    if (what === 'edit') return this.#edit(message);
    if (what === 'remove') return this.#remove(message);
    if (what === 'cancel') return this.#cancel(message);
    return this.#showInPlace(message);
  }

  #showInPlace({ messageId }) {
    this.element.querySelector('[type=search]').value = '';
    this.#wanted = '';
    this.#window.forget();
    this.#all = true;
    this.#draw();
    this.#window.toMessage(messageId);
  }

  async #loadOlder() {
    if (this.#chat.transcript.complete || this.#older.disabled) return;
    this.#older.disabled = true;
    const label = this.#older.querySelector('span');
    try {
      await this.#chat.history.readAll((read, total) => {
        label.textContent = t('room.loading', { read, total });
        this.#soon();
      });
    } catch (error) {
      complain(error);
    } finally {
      this.#older.disabled = false;
      label.textContent = t('room.loadOlder');
      this.#soon();
    }
  }

  async #cancel({ requestId }) {
    try {
      await this.#chat.cancel(requestId);
    } catch (error) {
      complain(error);
    }
  }

  #edit(message) {
    const input = h('textarea', { rows: '10', class: 'edit-text', dir: 'auto', value: textOf(message) });
    const save = async () => {
      await this.#chat.edit(message.messageId, input.value);
      this.#chat.transcript.replace({
        ...message,
        [message.message === undefined ? 'data' : 'message']: input.value,
        lastEdited: new Date().toISOString(),
      });
      this.#soon();
      dialog.close();
    };
    const buttons = h(
      'div',
      { class: 'dialog-buttons' },
      button({ label: t('core.cancel'), onClick: () => dialog.close() }),
      button({ label: t('room.save'), kind: 'primary', onClick: save }),
    );
    const dialog = show({
      title: t('room.editTitle'),
      body: [field({ label: t('room.text'), input }), buttons],
    });
    input.focus();
  }

  async #remove(message) {
    const sure = await ask({
      title: t('room.removeTitle'),
      body: t('room.removeBody', { identity: message.identity }),
      confirm: t('room.remove'),
      danger: true,
    });
    if (!sure) return;
    await this.#chat.remove(message.messageId);
    this.#chat.transcript.remove([message.messageId]);
    this.#soon();
    say(t('room.removed'));
  }
}
