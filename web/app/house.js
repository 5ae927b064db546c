/**
 * What the broker tells of itself, as it is now.
 *
 * Owns the picture of the house: one snapshot, and the differences that came since.
 * Must never show half of it: what is told on a connection before its snapshot waits.
 */

import { EVENT, NAMESPACE } from './wire.js';

/** Seconds of history that are kept, and lines of the log. */
const HISTORY = 15 * 60;
const LOG_LINES = 1_000;

const MAPS = Object.freeze(['instances', 'requests', 'clients']);
export const SECTIONS = Object.freeze(['house', ...MAPS, 'log', 'history']);

/** A picture with nothing in it. */
export function nothing() {
  return {
    revision: 0, house: {}, instances: new Map(), requests: new Map(), clients: new Map(),
    log: [], history: [],
  };
}

/** Put a whole snapshot into the picture. @returns {Set<string>} the sections that changed */
export function applySnapshot(picture, snapshot) {
  picture.revision = snapshot.revision;
  picture.house = snapshot.house;
  for (const name of MAPS) picture[name] = new Map(Object.entries(snapshot[name]));
  picture.log = snapshot.log;
  return new Set(['house', ...MAPS, 'log']);
}

/** Put what has changed into the picture. @returns {Set<string>} the sections that changed */
export function applyUpdate(picture, { revision, snapshot, changes, sample }) {
  let changed = new Set();
  if (snapshot) {
    changed = applySnapshot(picture, snapshot);
  } else if (changes && revision > picture.revision) {
    picture.revision = revision;
    changed = applyChanges(picture, changes);
  }
  if (sample) {
    picture.history = recent([...picture.history, sample]);
    changed.add('history');
  }
  return changed;
}

export class House {
  #link;
  #picture = nothing();
  #listeners = new Map(SECTIONS.map((section) => [section, new Set()]));
  #watching = false;
  /** What was told before the snapshot that it belongs to has come. */
  #early = [];
  #onError;

  /**
   * @param {import('./link.js').Link} link
   * @param {(error: Error) => void} onError hears why there is no picture
   */
  constructor(link, onError = () => {}) {
    this.#link = link;
    this.#onError = onError;
  }

  /** Figures of the whole broker. */
  get house() { return this.#picture.house; }
  /** SillyTaverns by identity. */
  get instances() { return this.#picture.instances; }
  /** Requests by `seq`, as a text. */
  get requests() { return this.#picture.requests; }
  /** Clients by identity. */
  get clients() { return this.#picture.clients; }
  /** The newest lines of the log, the newest last. */
  get log() { return this.#picture.log; }
  /** Samples of the last 15 minutes, the newest last. */
  get history() { return this.#picture.history; }
  /** Whether the picture is of now. */
  get watching() { return this.#watching; }

  /** Look, and look again after each reconnection. */
  watch() {
    this.#link.on(NAMESPACE.DEBUG, EVENT.HOUSE_UPDATE, (update) => {
      if (this.#watching) this.#tell(applyUpdate(this.#picture, update));
      else this.#early.push(update);
    });
    this.#link.onState((state) => {
      this.#watching = false;
      this.#early = [];
      if (state === 'online') this.#look();
    });
  }

  /** Hear when a section has changed. @returns {() => void} stops hearing */
  onChange(section, listener) {
    const listeners = this.#listeners.get(section);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  async #look() {
    try {
      const { snapshot, history } = await this.#link.call(NAMESPACE.DEBUG, EVENT.WATCH_HOUSE, {});
      this.#picture.history = recent(history);
      this.#watching = true;
      const changed = applySnapshot(this.#picture, snapshot).add('history');
      for (const update of this.#early.splice(0)) applyUpdate(this.#picture, update);
      this.#tell(changed);
    } catch (error) {
      if (this.#link.state === 'online') this.#onError(error);
    }
  }

  #tell(sections) {
    for (const section of sections) {
      for (const listener of [...this.#listeners.get(section)]) listener();
    }
  }
}

function applyChanges(picture, changes) {
  const changed = new Set();
  if (changes.house) {
    picture.house = { ...picture.house, ...changes.house };
    changed.add('house');
  }
  for (const name of MAPS) {
    if (!changes[name]) continue;
    const { set = {}, gone = [] } = changes[name];
    for (const key of gone) picture[name].delete(String(key));
    for (const [key, entry] of Object.entries(set)) picture[name].set(key, entry);
    changed.add(name);
  }
  if (changes.log?.length) {
    picture.log = [...picture.log, ...changes.log].slice(-LOG_LINES);
    changed.add('log');
  }
  return changed;
}

/** Without what is too old, by the newest sample's own clock. */
function recent(history) {
  const newest = history.at(-1)?.[0] ?? 0;
  const first = history.findIndex(([moment]) => moment > newest - HISTORY);
  return first > 0 ? history.slice(first) : history;
}
