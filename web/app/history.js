/**
 * How a room's history gets here: its newest part at once, all of it page by page.
 *
 * Owns which of that is under way, and fills the transcript. Only one reading of each
 * kind goes on at a time; whoever asks again waits for the same.
 */

import { t } from './i18n.js';
import { Refusal } from './link.js';
import { EVENT } from './room_events.js';
import { CODE, NAMESPACE } from './wire.js';

const { LLM } = NAMESPACE;

/** Milliseconds for the answer to a question; the pages after it may take longer. */
const PATIENCE = 20_000;

export class History {
  #link;
  #room;
  #transcript;
  #offs = [];
  #newest = null;
  #live = [];
  #all = null;
  #paging = null;

  constructor({ link, room, transcript }) {
    this.#link = link;
    this.#room = room;
    this.#transcript = transcript;
  }

  open() {
    this.#offs = [
      this.#link.on(LLM, EVENT.UPDATE_CONTEXT, (whole) => this.#take(whole)),
      this.#link.on(LLM, EVENT.UPDATE_CONTEXT_PAGE, (page) => this.#turn(page)),
    ];
  }

  close() {
    for (const off of this.#offs.splice(0)) off();
    this.interrupt();
  }

  /** The connection is lost: no more pages come. */
  interrupt() {
    this.#paging?.lose(new Refusal(t('core.lost'), CODE.CLIENT_DISCONNECTED));
  }

  /** Something new was said. */
  add(message) {
    if (this.#newest !== null) this.#live.push(message);
    this.#transcript.add(message);
  }

  /** Read the newest of the history, up to a mebibyte of it. */
  readNewest() {
    this.#newest ??= this.#ask({ whole: true }).finally(() => {
      this.#newest = null;
      this.#live = [];
    });
    return this.#newest;
  }

  /**
   * Read the whole history, the oldest first.
   * @param {(read: number, total: number) => void} onPage
   */
  readAll(onPage) {
    this.#all ??= this.#readPages(onPage).finally(() => {
      this.#all = null;
      this.#paging = null;
    });
    return this.#all;
  }

  async #readPages(onPage) {
    const ended = new Promise((end, lose) => {
      this.#paging = { updateId: null, early: [], read: 0, total: 0, onPage, end, lose };
    });
    const paging = this.#paging;
    this.#transcript.startOver();
    const asked = this.#ask({}).then(({ updateId, total }) => {
      Object.assign(paging, { updateId, total });
      for (const page of paging.early.splice(0)) this.#turn(page);
    });
    await Promise.all([asked, ended]);
    this.#transcript.complete = true;
  }

  /** Pages may be here before the ack that says which are ours. */
  #turn(page) {
    const paging = this.#paging;
    if (paging === null || page.roomName !== this.#room) return;
    if (paging.updateId === null) {
      paging.early.push(page);
      return;
    }
    if (paging.updateId !== page.updateId) return;
    this.#transcript.merge(page.contextPage);
    paging.read += page.contextPage.length;
    paging.onPage(paging.read, Math.max(paging.total, paging.read));
    if (page.isLastPage) paging.end();
  }

  #take({ roomName, context, complete }) {
    if (roomName === this.#room) this.#transcript.renew(context, this.#live, complete);
  }

  #ask(more) {
    const data = { roomName: this.#room, ...more };
    return this.#link.call(LLM, EVENT.GET_FULL_CONTEXT, data, { timeout: PATIENCE });
  }
}
