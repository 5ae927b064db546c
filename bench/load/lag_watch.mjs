// Reads how late the server's event loop is, where a server tells that.
//
// Tapster's SERVER_STATUS names the p99 of the last ten seconds, so a look every nine
// misses nothing, and costs nothing that a figure would show.

const EVERY_MS = 9000;

export class LagWatch {
  /** Milliseconds, one for each look. */
  #seen = [];

  static async of(adapter) {
    return new LagWatch(await adapter.status());
  }

  /** `read` gives the p99 of the last seconds; null where there is none. */
  constructor(read) {
    this.read = read;
  }

  start() {
    if (this.read) this.timer = setInterval(() => this.#look(), EVERY_MS);
  }

  /** The highest p99 of all, or null. */
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
