/**
 * The answers of one request, as they are being written.
 *
 * Owns their text on the page. A monitor is no member of the room and gets no chunks:
 * it asks for the text, a few times a second while the request is in flight, each time
 * from where it ended before.
 */

import { h, pill } from '../app/element.js';
import { t } from '../app/i18n.js';
import { CODE, NAMESPACE } from '../app/wire.js';
import { AnswerText, growth } from './answer_text.js';
import { IN_FLIGHT } from './request_list.js';

/** Milliseconds between two questions. */
const LOOK_EVERY = 400;

/** Milliseconds to wait after a question that failed. */
const TRY_AGAIN = 1_500;

/** Pixels from its end at which a text still counts as read to the end. */
const NEAR_END = 24;

export class LiveAnswer {
  #link;
  #request;
  #onEnd;
  #answer = new AnswerText();
  #panes = new Map();
  #title = h('h2', t('requests.answer'));
  #note = h('p', { class: 'muted' }, t('requests.answer.waiting'));
  #timer = null;
  #closed = false;

  /**
   * @param {import('../app/link.js').Link} link
   * @param {object} request as the feed tells of it
   * @param {(state: string, error?: {message: string}) => void} onEnd hears how it
   *   ended, perhaps before the feed tells of it, or where the feed never does: after
   *   a restart of the broker
   */
  constructor(link, request, onEnd) {
    this.#link = link;
    this.#onEnd = onEnd;
    this.#request = request;
    this.element = h('div', { class: 'stack' }, this.#title, this.#note);
    this.#ask();
  }

  /** Stop asking. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** The feed has news of the request. */
  tell(request) {
    this.#request = request;
  }

  /** What came last comes with the word that it was the last. */
  async #ask() {
    const { requestId, requester, room } = this.#request;
    const question = { requestId, requester, roomName: room, from: this.#answer.wanted };
    try {
      const { state, outputs, error } = await this.#link.call(NAMESPACE.LLM, 'RESUME_STREAM', question);
      if (this.#closed) return;
      // After a crash of the broker it has no text any more: keep what was read.
      if (IN_FLIGHT.has(state) || outputs.length > 0) this.#answer.take(outputs);
      this.#show(IN_FLIGHT.has(state));
      if (IN_FLIGHT.has(state)) this.#askIn(LOOK_EVERY);
      else this.#onEnd(state, error);
    } catch (error) {
      if (!this.#closed) this.#failed(error);
    }
  }

  /** The request may be between two SillyTaverns, or the connection lost: ask again. */
  #failed({ code }) {
    const inFlight = IN_FLIGHT.has(this.#request.state);
    if (code !== CODE.NOT_FOUND || inFlight) this.#askIn(TRY_AGAIN);
    else if (this.#panes.size === 0) this.#note.textContent = t('requests.answer.gone');
  }

  #askIn(milliseconds) {
    this.#timer = setTimeout(() => this.#ask(), milliseconds);
  }

  #show(inFlight) {
    const { outputs } = this.#answer;
    for (const [outputId, pane] of this.#panes) {
      if (outputs.every((output) => output.outputId !== outputId)) {
        pane.element.remove();
        this.#panes.delete(outputId);
      }
    }
    outputs.forEach((output, index) => this.#pane(output, index).show(output));
    this.#title.hidden = this.#note.hidden = outputs.length > 0;
    this.#note.textContent = t(`requests.answer.${inFlight ? 'waiting' : 'none'}`);
  }

  #pane({ outputId }, index) {
    const known = this.#panes.get(outputId);
    if (known) return known;
    const several = t('requests.answerOf', { number: index + 1 });
    const pane = new Pane(index === 0 ? t('requests.answer') : several);
    this.#panes.set(outputId, pane);
    this.element.append(pane.element);
    return pane;
  }
}

/** One answer; it goes on showing its end for as long as one has not scrolled away. */
class Pane {
  #text = document.createTextNode('');
  #live = pill(t('requests.answer.live'), 'accent');
  #box;

  constructor(name) {
    // A screen reader that spoke each few letters would never come to an end.
    this.#box = h('pre', {
      class: 'request-text', dir: 'auto', tabindex: '0', role: 'log',
      'aria-live': 'off', 'aria-label': name,
    });
    this.#box.append(this.#text);
    const head = h('div', { class: 'row' }, h('h2', name), this.#live);
    this.element = h('div', { class: 'request-answer' }, head, this.#box);
  }

  show({ text, done }) {
    this.#live.hidden = done;
    const { keep, add } = growth(this.#text.data, text);
    if (keep && add === '') return;
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    const atEnd = scrollTop + clientHeight >= scrollHeight - NEAR_END;
    if (keep) this.#text.appendData(add);
    else this.#text.data = add;
    if (atEnd) this.#box.scrollTop = this.#box.scrollHeight;
  }
}
