/**
 * A room's chat, as a web client has it: order, read along, cancel, come back.
 *
 * Owns what is being said in one room: the transcript, the answers that are on their way
 * and what became of our requests. It is the example of a client in a browser, and has
 * no page in it: it says what has changed by events (`transcript`, `answers`, `requests`,
 * `people`, `joined`, `gone`), and whoever draws looks at its fields. What the events of
 * the wire mean stands in docs/protocol.md, sections 4 (orders), 5 (reading answers),
 * 7 (coming back), 8 (rooms) and 10 (messages).
 */

import { Answers } from './answers.js';
import { History } from './history.js';
import { EVENT, ROOM_CODE, TERMINAL } from './room_events.js';
import { Transcript } from './transcript.js';
import { CODE, NAMESPACE } from './wire.js';

const { LLM, ROOMS } = NAMESPACE;

/** What the link says of a question to which no ack came. */
const LOST = new Set([CODE.TIMEOUT, CODE.CLIENT_DISCONNECTED]);

/** A request whose ack is not here yet: a status of our own. */
const ORDERED = 'ordered';

export class Chat extends EventTarget {
  #link;
  #offs = [];
  /** Whether the connection was lost since we listen. */
  #away = false;
  /** What was said, as far as it is loaded. */
  transcript = new Transcript();
  /** What became of our requests, by requestId: `{requestId, status, position, error}`. */
  requests = new Map();
  /** What others are doing, by identity: `typing`, `processing`, `paused`. */
  people = new Map();
  /** Whether we are in the room: only then is what is said read as it is said. */
  joined = false;

  /**
   * @param {object} about
   * @param {import('./link.js').Link} about.link
   * @param {string} about.room
   */
  constructor({ link, room }) {
    super();
    this.#link = link;
    this.room = room;
    this.history = new History({ link, room, transcript: this.transcript });
    /** The answers on their way. @type {Iterable<import('./answer.js').Answer>} */
    this.answers = new Answers({ link, room, chat: this.#forAnswers() });
  }

  /** Begin to listen. @param {{joined: boolean}} now whether we are in the room */
  open({ joined }) {
    this.joined = joined;
    this.history.open();
    this.answers.open();
    const here = (event, hear) =>
      this.#link.on(LLM, event, (data) => data.roomName === this.room && hear.call(this, data));
    const aside = (event, hear) =>
      this.#link.on(ROOMS, event, (data) => data.roomName === this.room && hear.call(this, data));
    this.#offs = [
      here(EVENT.REQUEST_STATUS_UPDATE, this.#status),
      here(EVENT.NEW_MESSAGE, this.#said),
      here(EVENT.MESSAGE_UPDATED, this.#edited),
      here(EVENT.MESSAGES_DELETED, this.#deleted),
      here(EVENT.MESSAGES_CLEARED, this.#cleared),
      here(EVENT.MEMBER_STATUS_UPDATE, this.#doing),
      aside(EVENT.MEMBER_JOINED, this.#came),
      aside(EVENT.MEMBER_LEFT, this.#went),
      aside(EVENT.DELETE_ROOM, this.#gone),
      this.#link.onState((state) => this.#connection(state)),
    ];
  }

  /** Listen no more. Who is in the room stays in it. */
  close() {
    for (const off of this.#offs.splice(0)) off();
    this.history.close();
    this.answers.close();
  }

  // -- what one does

  /** Come into the room, to read along and to be heard. */
  async enter() {
    try {
      await this.#ask(ROOMS, EVENT.JOIN_ROOM, {});
    } catch (refusal) {
      if (refusal.code !== ROOM_CODE.ALREADY_IN_ROOM) throw refusal;
    }
    this.#beIn(true);
  }

  async leave() {
    await this.#ask(ROOMS, EVENT.LEAVE_ROOM, {});
    this.#beIn(false);
  }

  /**
   * Order an answer.
   * @param {string} message
   * @param {{target?: string}} [more] a SillyTavern; absent, the broker chooses
   * @returns {Promise<{requestId: string, warning?: string}>}
   */
  async order(message, { target } = {}) {
    const requestId = newId();
    const order = { requestId, targetRoom: this.room, message, target };
    this.requests.set(requestId, { requestId, status: ORDERED, message });
    this.answers.forgetEnded();
    this.#say('requests');
    try {
      return await this.#place(order);
    } catch (refusal) {
      // One that failed before it was stored is refused, and its status has said why.
      if ((this.requests.get(requestId)?.status ?? ORDERED) !== ORDERED) return null;
      this.requests.delete(requestId);
      this.#say('requests');
      throw refusal;
    }
  }

  /** Call a request off, one's own or, as a monitor, another's. */
  cancel(requestId) {
    return this.#ask(LLM, EVENT.CANCEL_REQUEST, { requestId });
  }

  /** Say something that nobody is to answer. */
  speak(message) {
    return this.#link.call(LLM, EVENT.MESSAGE, { targetRoom: this.room, message });
  }

  /** @param {string} updatedMessage the new text */
  edit(messageId, updatedMessage) {
    return this.#ask(LLM, EVENT.EDIT_MESSAGE, { messageId, updatedMessage });
  }

  remove(messageId) {
    return this.#ask(LLM, EVENT.DELETE_MESSAGE, { messageId });
  }

  /** @param {{clearRequests?: boolean, clearResponses?: boolean}} what none: everything */
  clear(what) {
    return this.#ask(LLM, EVENT.CLEAR_MESSAGES, what);
  }

  // -- orders

  async #place(order) {
    try {
      return this.#accepted(await this.#link.call(LLM, EVENT.LLM_REQUEST, order));
    } catch (refusal) {
      if (!this.#isLost(refusal)) throw refusal;
    }
    return this.#placeAgain(order);
  }

  /** An order whose ack was lost may have arrived: ask, and send it again only if not. */
  async #placeAgain(order) {
    const { requestId } = order;
    await this.#online();
    try {
      this.answers.goOn(requestId, await this.answers.resume(requestId, 0));
      return { requestId };
    } catch (refusal) {
      if (this.#isLost(refusal)) return this.#placeAgain(order);
      if (refusal.code !== CODE.NOT_FOUND) throw refusal;
    }
    return this.#place(order);
  }

  /** Statuses may have come before the ack: they are newer than it. */
  #accepted({ requestId, state, position, warning }) {
    if (this.requests.get(requestId)?.status === ORDERED) {
      this.#status({ requestId, status: state, position });
    }
    return { requestId, warning };
  }

  #status({ requestId, status, position, error }) {
    const known = this.requests.get(requestId);
    this.requests.set(requestId, { ...known, requestId, status, position, error });
    this.#say('requests');
  }

  // -- messages

  /** Who has read an answer as it came gets its message without the text. */
  #said({ message }) {
    const answer = this.answers.take(message.outputId);
    if (!message.streamed) this.history.add(message);
    else if (answer?.status) this.history.add({ ...message, data: answer.text });
    else this.#fetch(message);
    this.#say('transcript');
  }

  /** An answer of which we have not all: we came in while it was given. */
  async #fetch(message) {
    const { requestId, outputId, messageId } = message;
    this.history.add(message);
    try {
      const { outputs } = await this.answers.resume(requestId, 0);
      const output = outputs.find((each) => each.outputId === outputId);
      const data = output?.finalText ?? output?.text ?? '';
      this.transcript.replace({ ...this.transcript.find(messageId), data });
      this.#say('transcript');
    } catch {
      // The history has it: who reads that anew, as we do on coming back, finds it.
    }
  }

  #edited({ message }) {
    this.transcript.replace(message);
    this.#say('transcript');
  }

  #deleted({ messageIds }) {
    this.transcript.remove(messageIds);
    this.#say('transcript');
  }

  #cleared({ clearedRequests, clearedResponses }) {
    this.transcript.clear({ requests: clearedRequests, responses: clearedResponses });
    this.#say('transcript');
  }

  // -- people

  #doing({ identity, status }) {
    if (status === 'idle') this.people.delete(identity);
    else this.people.set(identity, status);
    this.#say('people');
  }

  #came({ identity }) {
    if (identity === this.#link.identity) this.#beIn(true);
  }

  #went({ identity }) {
    this.people.delete(identity);
    this.#say('people');
    if (identity === this.#link.identity) this.#beIn(false);
  }

  #gone() {
    this.joined = false;
    this.#say('gone');
  }

  #beIn(joined) {
    this.joined = joined;
    this.#say('joined');
  }

  // -- the connection

  #connection(state) {
    if (state === 'online') {
      this.#comeBack();
      return;
    }
    this.#away = true;
    this.history.interrupt();
  }

  /**
   * After a short absence the broker has kept our place, after a longer one we come in
   * again. Then we go on where we stopped: each answer from its next chunk, and the
   * history, which has those that ended meanwhile.
   */
  async #comeBack() {
    try {
      if (this.joined && this.#away) await this.enter();
      for (const requestId of this.#unfinished()) this.answers.catchUp(requestId);
      await this.history.readNewest();
    } catch (refusal) {
      if (refusal.code === ROOM_CODE.ROOM_NOT_FOUND) this.#gone();
      return; // else the connection is lost again: we are called when it is back
    }
    for (const { outputId } of this.transcript.messages) this.answers.take(outputId);
    this.#say('transcript');
  }

  /** Orders without an ack are asked about by whoever places them. */
  #unfinished() {
    const ordered = [...this.requests.values()].filter(
      ({ status }) => status !== ORDERED && !TERMINAL.has(status),
    );
    const coming = [...this.answers].filter(({ status }) => status === null);
    return new Set([...ordered, ...coming].map(({ requestId }) => requestId));
  }

  #online() {
    return new Promise((resolve) => {
      const off = this.#link.onState((state) => {
        if (state !== 'online') return;
        resolve();
        queueMicrotask(() => off());
      });
    });
  }

  /** Whether nobody knows if the broker has got it. */
  #isLost({ code }) {
    return LOST.has(code) || this.#link.state !== 'online';
  }

  // -- how

  #forAnswers() {
    return {
      knows: (requestId) => this.requests.has(requestId) || this.transcript.hasRequest(requestId),
      has: (outputId) => this.transcript.hasOutput(outputId),
      changed: () => this.#say('answers'),
      state: (requestId, status, error) => {
        if (this.requests.has(requestId)) this.#status({ requestId, status, error });
      },
    };
  }

  #ask(namespace, event, data) {
    return this.#link.call(namespace, event, { roomName: this.room, ...data });
  }

  #say(what) {
    this.dispatchEvent(new Event(what));
  }
}

/** `crypto.randomUUID` is there on https and localhost alone. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
