// Reads how late the server's event loop is, where a server tells that.
//
// Tapster's SERVER_STATUS names the longest delay of the last five seconds, so a look
// every four misses nothing, and costs nothing that a figure would show.

const EVERY_MS = 4000;

export class LagWatch {
  /** Milliseconds, one for each look. */
  #seen = [];

  static async of(adapter) {
    return new LagWatch(await adapter.status());
  }

  /** `read` gives the longest lag of the last seconds; null where there is none. */
  constructor(read) {
    this.read = read;
  }

  start() {
    if (this.read) this.timer = setInterval(() => this.#look(), EVERY_MS);
  }

  /** The longest lag of all, or null. */
  async stop() {
    clearInterval(this.timer);
    if (!this.read) return null;
    await this.#look();
    return Math.max(...this.#seen);
  }

  async #look() {
    this.#seen.push(await this.read());
  }
}
