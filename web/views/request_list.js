/**
 * Which requests the list shows, and in what order.
 *
 * Owns the ended requests that the feed no longer tells of, at most so many. Knows
 * nothing of the page.
 */

/** States in which a request is not over. */
export const IN_FLIGHT = Object.freeze(new Set(['held', 'queued', 'sent', 'streaming']));

/** States of which somebody should know why. */
export const FAILED = Object.freeze(new Set(['failed', 'timeout']));

/** The ways to narrow the list down by state. */
export const SHOWN = Object.freeze(['all', 'flight', 'failed']);

/** So many ended requests the broker remembers; it would be vain to keep more. */
const KEPT = 500;

export class RequestList {
  #ended = new Map();
  #live = new Map();
  #reached = Infinity;

  /** How many requests are known. */
  get size() {
    let unknown = 0;
    for (const seq of this.#live.keys()) if (!this.#ended.has(seq)) unknown += 1;
    return this.#ended.size + unknown;
  }

  /** The place in time behind which the broker is to be asked for older ones. */
  get oldest() {
    const oldest = Math.min(this.#reached, ...this.#ended.keys());
    return oldest === Infinity ? undefined : oldest;
  }

  /** Take what the feed knows now; what has ended stays known after it. */
  follow(requests) {
    this.#live = new Map();
    for (const request of requests) {
      this.#live.set(request.seq, request);
      if (!IN_FLIGHT.has(request.state)) this.#keep(request);
    }
    this.#forgetOldest();
  }

  /** Take older ones that were asked for; of those in flight the feed tells. */
  add(requests) {
    for (const request of requests) {
      this.#reached = Math.min(this.#reached, request.seq);
      if (!IN_FLIGHT.has(request.state)) this.#keep(request);
    }
    this.#forgetOldest();
  }

  /** Know nothing any more: the broker counts anew after a restart. */
  clear() {
    this.#ended.clear();
    this.#live.clear();
    this.#reached = Infinity;
  }

  /** One of them, if it is known. */
  get(seq) {
    return this.#live.get(seq) ?? this.#ended.get(seq);
  }

  /**
   * Those that match, what is in flight first, the newest first among each.
   *
   * @param {{shown: string, instance: string, words: string}} filter
   */
  rows(filter) {
    const all = [...new Map([...this.#ended, ...this.#live]).values()];
    return all.filter((request) => matches(request, filter)).sort(inOrder);
  }

  #keep(request) {
    this.#ended.set(request.seq, request);
  }

  #forgetOldest() {
    if (this.#ended.size <= KEPT) return;
    const seqs = [...this.#ended.keys()].sort((one, other) => one - other);
    for (const seq of seqs.slice(0, seqs.length - KEPT)) this.#ended.delete(seq);
  }
}

/** Whether a request is one of those that a filter lets through. */
export function matches(request, { shown, instance, words }) {
  if (shown === 'flight' && !IN_FLIGHT.has(request.state)) return false;
  if (shown === 'failed' && !FAILED.has(request.state)) return false;
  if (instance && request.instance !== instance) return false;
  if (!words) return true;
  const { requester, clientId, room, requestId, instance: by, error } = request;
  const said = [requester, clientId, room, requestId, by, error?.message];
  const wanted = words.toLowerCase();
  return said.some((text) => text?.toLowerCase().includes(wanted));
}

/** The filter that a place such as `#/requests/failed` stands for. */
export function filterOf([shown, ...rest]) {
  const instance = shown === 'instance' ? (rest[0] ?? '') : '';
  return { shown: SHOWN.includes(shown) ? shown : 'all', instance, words: '' };
}

/** The place that stands for a filter; words that are searched for are not in it. */
export function placeOf({ shown, instance }) {
  if (instance && shown === 'all') return ['requests', 'instance', instance];
  return shown === 'all' ? ['requests'] : ['requests', shown];
}

function inOrder(one, other) {
  const flying = Number(IN_FLIGHT.has(other.state)) - Number(IN_FLIGHT.has(one.state));
  return flying || other.seq - one.seq;
}
