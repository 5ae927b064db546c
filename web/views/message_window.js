/**
 * A long list of messages, of which only a part is in the page.
 *
 * Owns the part that is drawn and where it is scrolled to. It moves as one scrolls, and
 * follows the end while one is there. Must never draw more than `WINDOW` messages, nor
 * move what is being read because something was said elsewhere.
 */

import { h } from '../app/element.js';

/** Messages that are drawn at a time. */
export const WINDOW = 120;
/** Messages by which that moves. */
const STEP = 60;
/** Pixels from an edge at which it moves. */
const NEAR = 600;
/** Pixels from the end that count as being there. */
const AT_END = 48;

export class MessageWindow {
  #draw;
  #onMove;
  #onStart;
  #messages = [];
  #start = 0;
  #drawn = new Map();
  #following = true;
  #list = h('ol', { class: 'said' });

  /**
   * @param {object} parts
   * @param {string} parts.label
   * @param {(message: object) => HTMLElement} parts.draw
   * @param {Node} parts.before what stands over the first message
   * @param {Node} parts.after what stands under the last one
   * @param {(where: {from: number, to: number, total: number, following: boolean}) => void} parts.onMove
   * @param {() => void} parts.onStart hears that one wants to read what is older
   */
  constructor({ label, draw, before, after, onMove, onStart }) {
    this.#draw = draw;
    this.#onMove = onMove;
    this.#onStart = onStart;
    this.element = h(
      'div',
      { class: 'said-frame', tabindex: '0', role: 'region', 'aria-label': label },
      before,
      this.#list,
      after,
    );
    this.element.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.element.addEventListener('keydown', (event) => this.#key(event));
  }

  get following() {
    return this.#following;
  }

  /** Show these messages from now on. */
  update(messages) {
    this.#messages = messages;
    if (this.#following) {
      this.#start = Math.max(0, messages.length - WINDOW);
      this.#render();
      this.#toBottom();
      return;
    }
    this.#moveTo(this.#placeOfFirst());
    // Who stands at an edge scrolls no further: what has come there must be drawn.
    this.#nearEdge();
  }

  /** Draw some anew the next time: what they look like has changed. */
  forget(which = () => true) {
    for (const drawn of this.#drawn.values()) drawn.stale ||= which(drawn.message);
  }

  /** What stands under the messages has grown. */
  grew() {
    if (this.#following) this.#toBottom();
  }

  toEnd() {
    this.#following = true;
    this.update(this.#messages);
  }

  toStart() {
    this.#following = false;
    this.#start = 0;
    this.#render();
    this.element.scrollTop = 0;
  }

  /** Show a message in the midst of the others, and put the focus on it. */
  toMessage(messageId) {
    const place = this.#messages.findIndex((message) => message.messageId === messageId);
    if (place < 0) return;
    this.#following = false;
    this.#start = this.#bounded(place - WINDOW / 2);
    this.#render();
    const element = this.#drawn.get(messageId)?.element;
    element?.scrollIntoView({ block: 'center' });
    element?.focus({ preventScroll: true });
  }

  // -- scrolling

  #scrolled() {
    this.#following = this.#below <= AT_END && this.#end >= this.#messages.length;
    const atStart = this.element.scrollTop < NEAR && this.#start === 0;
    if (atStart && !this.#following) this.#onStart();
    this.#nearEdge();
    this.#tell();
  }

  #nearEdge() {
    if (this.element.scrollTop < NEAR && this.#start > 0) this.#moveTo(this.#start - STEP);
    else if (this.#below < NEAR && this.#end < this.#messages.length) {
      this.#moveTo(this.#start + STEP);
    }
  }

  /** Where in the messages the drawn ones end. */
  get #end() {
    return Math.min(this.#start + WINDOW, this.#messages.length);
  }

  /** Pixels that are under what is seen. */
  get #below() {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    return scrollHeight - clientHeight - scrollTop;
  }

  #key(event) {
    if (event.target !== this.element) return;
    if (event.key === 'Home') this.toStart();
    else if (event.key === 'End') this.toEnd();
    else return;
    event.preventDefault();
  }

  #moveTo(start) {
    this.#start = this.#bounded(start);
    this.#holding(() => this.#render());
  }

  /** Keep the message at the upper edge where it is while others come and go. */
  #holding(change) {
    const anchor = this.#atEdge();
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) {
      this.element.scrollTop += anchor.getBoundingClientRect().top - before;
    }
  }

  #atEdge() {
    const edge = this.element.getBoundingClientRect().top;
    return [...this.#list.children].find(
      (element) => element.getBoundingClientRect().bottom > edge,
    );
  }

  #toBottom() {
    this.element.scrollTop = this.element.scrollHeight;
  }

  #bounded(start) {
    return Math.max(0, Math.min(start, this.#messages.length - WINDOW));
  }

  /** Where the first message that is drawn is now: others may have come before it. */
  #placeOfFirst() {
    const places = new Map(this.#messages.map(({ messageId }, place) => [messageId, place]));
    const first = [...this.#drawn.keys()].find((messageId) => places.has(messageId));
    return first === undefined ? 0 : places.get(first);
  }

  // -- drawing

  #render() {
    const wanted = this.#messages.slice(this.#start, this.#end);
    const kept = new Map(
      wanted.map((message) => {
        const drawn = this.#drawn.get(message.messageId);
        const asItIs = drawn?.message === message && !drawn.stale;
        return [message.messageId, asItIs ? drawn : { message, element: this.#draw(message) }];
      }),
    );
    this.#drawn = kept;
    this.#place([...kept.values()].map(({ element }) => element));
    this.#tell();
  }

  /** Touch only what is not where it belongs: the focus and a selection stay. */
  #place(elements) {
    const wanted = new Set(elements);
    for (const child of [...this.#list.children]) if (!wanted.has(child)) child.remove();
    let place = this.#list.firstElementChild;
    for (const element of elements) {
      if (element === place) place = place.nextElementSibling;
      else this.#list.insertBefore(element, place);
    }
  }

  #tell() {
    const from = Math.min(this.#start + 1, this.#end);
    const total = this.#messages.length;
    this.#onMove({ from, to: this.#end, total, following: this.#following });
  }
}
