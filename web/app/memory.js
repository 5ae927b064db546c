/**
 * What the page remembers, in this tab and in this browser.
 *
 * Owns the names under which things are kept. The browser keeps the language, the
 * theme and, where the operator wants it, the key; must never keep anything else there.
 */

const PREFIX = 'tapster.';

/** What outlives the tab. */
export const KEPT = Object.freeze({ LANGUAGE: 'language', THEME: 'theme', SIGN_IN: 'signIn' });

/** What is forgotten with the tab. */
export const PASSING = Object.freeze({ IDENTITY: 'identity', SIGN_IN: 'signIn' });

class Memory {
  #storage;
  #names;

  /**
   * @param {() => Storage} storage a browser may refuse it, at any time
   * @param {Record<string, string>} names
   */
  constructor(storage, names) {
    this.#storage = storage;
    this.#names = new Set(Object.values(names));
  }

  /** @returns {any} what was kept, or null */
  get(name) {
    try {
      return JSON.parse(this.#storage().getItem(this.#key(name)));
    } catch {
      return null;
    }
  }

  /** Keep it, if the browser lets us. */
  set(name, value) {
    const key = this.#key(name);
    try {
      this.#storage().setItem(key, JSON.stringify(value));
    } catch {
      // Private windows and full disks: the page works without a memory.
    }
  }

  forget(name) {
    const key = this.#key(name);
    try {
      this.#storage().removeItem(key);
    } catch {
      // Then there is nothing to forget.
    }
  }

  #key(name) {
    if (!this.#names.has(name)) throw new Error(`nothing is kept under ${name}`);
    return PREFIX + name;
  }
}

export const inTab = new Memory(() => sessionStorage, PASSING);
export const inBrowser = new Memory(() => localStorage, KEPT);
