// All idle clients are cut off at once and come back, each when its client library
// tries again, while streams go on: what does a return cost, and how long does it take?

import { connectIdle, settle } from "../crowd.mjs";
import { Streams } from "./streams.mjs";

export class Storm {
  constructor(adapter, options) {
    this.adapter = adapter;
    this.options = options;
    this.streams = new Streams(adapter, { ...options, idle: 0 });
  }

  async prepare() {
    const { idle, namespaces } = this.options;
    this.clients = await connectIdle(this.adapter, 0, idle, namespaces, {
      returns: true,
    });
    await this.streams.prepare();
    await settle();
  }

  async run() {
    const streamed = this.streams.run();
    const cut = performance.now();
    const back = Promise.all(this.clients.map((client) => client.cut()));
    const away = back.then(() => (performance.now() - cut) / 1000);
    const [secondsAway, facts] = await Promise.all([away, streamed]);
    return { ...facts, connections: this.clients.length, secondsAway };
  }

  check() {
    return this.streams.check();
  }
}
