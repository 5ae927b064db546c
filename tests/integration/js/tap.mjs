// A record of all that one socket heard, in order, which one can wait on.

import { noteKeys } from './seen_keys.mjs';
import { Changes } from './wait.mjs';

let clock = 0;

function fits(data, match) {
  if (typeof match === 'function') return match(data);
  return Object.entries(match).every(([name, value]) => data?.[name] === value);
}

/** Notes every event of a socket; nothing is consumed, so no event is missed. */
export class Tap extends Changes {
  events = [];

  constructor(socket, name) {
    super();
    this.name = name;
    socket.onAny((event, ...args) => this.#note(event, args));
    for (const event of ['connect', 'disconnect', 'connect_error']) {
      socket.on(event, (...args) => this.#note(event, args));
    }
  }

  #note(event, args) {
    const plain = args.filter((arg) => typeof arg !== 'function');
    noteKeys(plain);
    this.events.push({ event, args: plain, at: (clock += 1) });
    this.changed();
  }

  /** The data of all events of that name which fit so far. */
  all(event, match = {}) {
    return this.records(event, match).map((record) => record.args[0]);
  }

  /** The same as `{event, args, at}`; `at` counts over all sockets. */
  records(event, match = {}) {
    return this.events.filter(
      (record) => record.event === event && fits(record.args[0], match),
    );
  }

  /** The data of the `count`th event that fits, come already or still to come. */
  async first(event, match = {}, count = 1) {
    const wanted = typeof match === 'function' ? '…' : JSON.stringify(match);
    const record = await this.until(`${this.name}: ${event} ${wanted} × ${count}`, () =>
      this.records(event, match).at(count - 1),
    );
    return record.args[0];
  }
}
