// What stands around the part under test: no SillyTavern, no broker, no page.

import { settingsIn } from '../../extension/settings.js';

/** Records what is said to the broker; `open` is whether it is there. */
export class FakePort {
  said = [];
  acks = [];
  isOpen = true;

  open = () => this.isOpen;

  emit = (event, data, ack) => {
    this.said.push([event, data]);
    if (ack) this.acks.push(ack);
  };

  /** The broker acknowledges all that it was asked to. */
  acknowledge() {
    for (const ack of this.acks.splice(0)) ack({ status: 'ok' });
  }

  /** The data of the events of a name. */
  of(name) {
    return this.said.filter(([event]) => event === name).map(([, data]) => data);
  }

  /** The text that a broker which heard all of it would have. */
  get text() {
    const chunks = [];
    for (const [, { chunkIndex, data }] of this.said) {
      if (chunkIndex !== undefined) chunks[chunkIndex] ??= data;
    }
    return chunks.join('');
  }
}

/** Writes down what a runner writes. */
export class FakeAnswer {
  pieces = [];

  get text() {
    return this.pieces.join('');
  }

  write(text) {
    if (text) this.pieces.push(text);
  }
}

/** SillyTavern, as far as answering goes; `script` is what a generation does. */
export class FakeTavern {
  #listeners = new Map();
  settings = settingsIn({});
  chat = [{ name: 'Seraphina', mes: 'Hello.' }];
  characters = [
    { name: 'Ann', avatar: 'ann.png' },
    { name: 'Ben', avatar: 'ben.png' },
  ];
  current = { name: 'Ann', avatar: 'ann.png' };
  version = '1.19.0';
  model = 'house-brew';
  api = 'openai';
  busy = false;
  stops = 0;
  released = 0;
  restored = 0;
  script = async () => 'nothing';

  on(name, listener) {
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all.add(listener));
    return () => all.delete(listener);
  }

  emit(name, ...args) {
    for (const listener of this.#listeners.get(name) ?? []) listener(...args);
  }

  listeners() {
    return [...this.#listeners.values()].reduce((sum, all) => sum + all.size, 0);
  }

  async take(signal) {
    signal.throwIfAborted();
  }

  release() {
    this.released += 1;
  }

  setDraftAside() {
    return { restore: () => (this.restored += 1), restoreFiles() {} };
  }

  async say(text) {
    this.chat.push({ is_user: true, mes: text });
  }

  generate() {
    return this.script(this);
  }

  regenerate() {
    return this.script(this);
  }

  stop() {
    this.stops += 1;
    this.emit('GENERATION_STOPPED');
  }

  /** Stream cumulative texts, then have the last as a message. */
  async stream(texts, final = texts.at(-1)) {
    this.emit('GENERATION_STARTED', 'normal', {}, false);
    this.emit('GENERATION_AFTER_COMMANDS');
    for (const text of texts) {
      this.emit('STREAM_TOKEN_RECEIVED', text);
      await null;
    }
    this.chat.push({ mes: final });
    this.emit('MESSAGE_RECEIVED', this.chat.length - 1, 'normal');
    return final;
  }
}
