// Two members fill a room's history while an answer is streamed elsewhere: what does
// each message cost, and do the chunks wait?

import { setTimeout as sleep } from "node:timers/promises";
import { settle } from "../crowd.mjs";
import { sendPaced } from "../senders.mjs";
import { Stream, latencies } from "../streams.mjs";

/** Messages each member has under way, where they go as fast as they are taken. */
const WINDOW = 50;
/** Milliseconds between those that go at a steady rate. */
const EVERY_MS = 5;
/** The stream goes on until the last message is acknowledged. */
const NO_END = 1_000_000;
const TEXT = "A sentence of some sixty letters, as people write them in rooms.";

export class Messages {
  constructor(adapter, options) {
    this.adapter = adapter;
    this.options = { ...options, chunks: NO_END, streams: 1 };
    this.left = options.messages;
  }

  async prepare() {
    const { adapter } = this;
    const extension = await adapter.extension("SillyTavern-bench", 0);
    const clients = [];
    for (let index = 0; index < 3; index += 1) {
      clients.push(await adapter.client("bench-client", index));
    }
    const [reader, ...members] = clients;
    this.members = members;
    this.room = await adapter.room(extension, members);
    this.stream = new Stream(0, { extension, readers: [reader] }, this.options);
    await this.stream.open();
    await settle();
  }

  async run() {
    const streamed = sendPaced(this.stream, this.options);
    await (this.options["message-rate"] > 0 ? this.#talkSteadily() : this.#flood());
    this.stream.stop();
    await streamed;
    const { messages } = this.options;
    return { messages, latency: latencies([this.stream]) };
  }

  #flood() {
    const talker = async ({ socket }) => {
      while (this.left > 0) await this.#say(socket);
    };
    const talking = this.members.flatMap((member) => Array(WINDOW).fill(member));
    return Promise.all(talking.map(talker));
  }

  async #talkSteadily() {
    const { messages, "message-rate": rate } = this.options;
    const started = performance.now();
    const taken = [];
    while (this.left > 0) {
      const due = ((performance.now() - started) * rate) / 1000;
      while (this.left > 0 && messages - this.left < due) {
        const { socket } = this.members[this.left % this.members.length];
        taken.push(this.#say(socket));
      }
      await sleep(EVERY_MS);
    }
    await Promise.all(taken);
  }

  async #say(socket) {
    this.left -= 1;
    const ack = await socket.emitWithAck("message", { targetRoom: this.room, data: TEXT });
    if (ack.status !== "ok") throw new Error(`refused: ${JSON.stringify(ack)}`);
  }

  check() {
    return this.stream.close();
  }
}
