// Answers are streamed, perhaps among idle clients: what does each chunk cost?
//
// Requests, first chunks and ends are not measured, so that few long streams and many
// short ones can be compared.

import { connectIdle, inTurn, openRooms, settle } from "../crowd.mjs";
import { sendFlat, sendPaced } from "../senders.mjs";
import { Stream, latencies } from "../streams.mjs";

export class Streams {
  constructor(adapter, options) {
    this.adapter = adapter;
    this.options = options;
    this.send = options.mode === "paced" ? sendPaced : sendFlat;
  }

  async prepare() {
    const { streams, idle, namespaces, rooms } = this.options;
    const parties = await inTurn(streams, (index) => this.#party(index));
    await connectIdle(this.adapter, 0, idle, namespaces);
    await openRooms(this.adapter, idle, rooms);
    this.streams = parties.map((party, index) => new Stream(index, party, this.options));
    await Promise.all(this.streams.map((stream) => stream.open()));
    for (const { deafen } of parties.flatMap(({ deaf }) => deaf)) deafen();
    await settle();
  }

  /** An extension and who reads what it answers, in a room if they are many. */
  async #party(index) {
    const { readers, deaf: count } = this.options;
    const extension = await this.adapter.extension("SillyTavern-bench", index);
    if (readers === 1) {
      const reader = await this.adapter.client("bench-client", index);
      return { extension, readers: [reader], deaf: [] };
    }
    const members = await inTurn(readers, (number) => {
      return this.adapter.client("bench-client", number);
    });
    const deaf = await inTurn(count, (number) => {
      return this.adapter.client("bench-client", readers + number);
    });
    const room = await this.adapter.room(extension, [...members, ...deaf]);
    return { extension, readers: members, deaf, room };
  }

  async run() {
    await Promise.all(this.streams.map((stream) => this.send(stream, this.options)));
    const chunks = this.options.streams * (this.options.chunks - 1);
    const deliveries = chunks * this.options.readers;
    return { chunks, deliveries, latency: latencies(this.streams) };
  }

  async check() {
    await Promise.all(this.streams.map((stream) => stream.close()));
  }
}
