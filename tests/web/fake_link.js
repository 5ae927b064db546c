// The way to a broker that the test plays.

import { Refusal } from '../../web/app/link.js';

/** Come back when all that can happen by itself has happened. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

export class FakeLink {
  #heard = new Map();
  #watchers = new Set();
  state = 'online';
  identity = 'console-1';
  /** What was asked: `[namespace, event, data]`. */
  asked = [];
  /** What is answered, by event: an ack, an Error, or a function of the data. */
  acks = {};

  async call(namespace, event, data) {
    this.asked.push([namespace, event, data]);
    const ack = this.acks[event] ?? {};
    const answer = typeof ack === 'function' ? await ack(data) : ack;
    if (answer instanceof Error) throw answer;
    return answer;
  }

  on(namespace, event, listener) {
    const key = `${namespace} ${event}`;
    this.#heard.set(key, [...(this.#heard.get(key) ?? []), listener]);
    return () => {
      this.#heard.set(key, this.#heard.get(key).filter((each) => each !== listener));
    };
  }

  onState(listener) {
    this.#watchers.add(listener);
    listener(this.state);
    return () => this.#watchers.delete(listener);
  }

  /** The broker says something. */
  hear(namespace, event, data) {
    for (const listener of this.#heard.get(`${namespace} ${event}`) ?? []) listener(data);
  }

  become(state) {
    this.state = state;
    for (const listener of [...this.#watchers]) listener(state);
  }

  /** What was asked by an event. */
  questions(event) {
    return this.asked.filter(([, name]) => name === event).map(([, , data]) => data);
  }

  get listeners() {
    return [...this.#heard.values()].flat().length + this.#watchers.size;
  }
}

export const refusal = (code, message = 'no') => new Refusal(message, code);
