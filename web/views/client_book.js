/**
 * Who is trusted and has which keys, as the broker says it, looked up now and then.
 *
 * Owns the entries while a view is open. How many sessions of each are here comes from
 * the house, at once; the rest from a look every few seconds and after each action.
 */

import { complain } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';

const LOOK_EVERY = 15_000;

export class ClientBook {
  #context;
  #onChange;
  #offs;
  #timer;
  #entries = new Map();

  /** Whether the broker has told who they are. */
  looked = false;

  /** @param {() => void} onChange the entries are others now */
  constructor(context, onChange) {
    this.#context = context;
    this.#onChange = onChange;
    this.#offs = [
      context.house.onChange('clients', () => {
        this.#entries = counted(this.#entries, context.house.clients);
        this.#onChange();
      }),
      // At once where we are connected, and after each reconnection.
      context.link.onState((state) => {
        if (state === 'online') this.look();
      }),
    ];
    this.#timer = setInterval(() => {
      if (!document.hidden && context.link.state === 'online') this.look();
    }, LOOK_EVERY);
  }

  /** All of them; each is the same object as long as it says the same. */
  get entries() {
    return [...this.#entries.values()];
  }

  /** What is known of one client; undefined: nothing. */
  find(clientId) {
    return this.#entries.get(clientId);
  }

  /** Look once more. */
  async look() {
    const { house, link } = this.#context;
    try {
      const { clients } = await link.call(NAMESPACE.DEBUG, 'GET_KEYS', {});
      this.#entries = counted(new Map(clients.map((each) => [each.clientId, each])), house.clients);
      this.looked = true;
      this.#onChange();
    } catch (error) {
      complain(error);
    }
  }

  close() {
    for (const off of this.#offs) off();
    clearInterval(this.#timer);
  }
}

/** The same entries, with as many sessions online as there are. */
export function counted(entries, clients) {
  const online = new Map();
  for (const { clientId, status } of clients.values()) {
    if (status === 'online') online.set(clientId, (online.get(clientId) ?? 0) + 1);
  }
  const count = (clientId) => online.get(clientId) ?? 0;
  return new Map(
    [...entries].map(([clientId, entry]) =>
      entry.online === count(clientId)
        ? [clientId, entry]
        : [clientId, { ...entry, online: count(clientId) }]),
  );
}
