// One stream: an extension that writes it, readers that check what they get.

import ss from "@sap_oss/node-socketio-stream";

/** The text of one chunk: its stream and its place, filled up to `size`. */
function chunkText(stream, index, size) {
  return `${stream}:${index} `.padEnd(size, "word ");
}

/** One client that reads a stream, by plain events or by the stream library. */
class Reader {
  received = 0;
  latency = [];
  #rest = "";

  constructor(socket, stream, read) {
    this.stream = stream;
    if (read === "library") {
      ss(socket).on("streamed_data", (readable) => {
        readable.on("data", (piece) => this.#take(String(piece)));
      });
    } else {
      socket.on("streamed_data", ({ data }) => this.#take(data));
    }
  }

  /** Servers may join and cut chunks: the text says which ones these are. */
  #take(piece) {
    const now = performance.now();
    const { number, size, sentAt } = this.stream;
    const text = this.#rest === "" ? piece : this.#rest + piece;
    let at = 0;
    for (; at + size <= text.length; at += size) {
      const index = this.received++;
      const chunk = text.slice(at, at + size);
      if (chunk !== chunkText(number, index, size)) {
        const got = JSON.stringify(chunk);
        this.stream.fail(new Error(`stream ${number}, chunk ${index}: ${got}`));
        return;
      }
      if (index > 0) this.latency.push(now - sentAt[index]);
    }
    this.#rest = text.slice(at);
    this.stream.took();
  }
}

export class Stream {
  sent = 0;
  sentAt = [];
  /** Called after each arrival: a sender with a full window waits for it. */
  onReceived = () => {};

  constructor(number, { extension, readers, room }, { chunks, size, read }) {
    this.number = number;
    this.extension = extension;
    this.room = room;
    this.chunks = chunks;
    this.size = size;
    this.requester = readers[0].socket;
    this.readers = readers.map(({ socket }) => new Reader(socket, this, read));
    this.ends = readers.map(({ socket }) => {
      return new Promise((resolve) => socket.once("streamed_end", resolve));
    });
    this.arrived = new Promise((resolve, reject) => {
      this.resolveArrived = resolve;
      this.fail = reject;
    });
    this.opened = new Promise((resolve) => {
      this.resolveOpened = resolve;
    });
  }

  /** The number of chunks that the slowest reader has. */
  get received() {
    if (this.readers.length === 1) return this.readers[0].received;
    return this.readers.reduce((least, { received }) => Math.min(least, received), Infinity);
  }

  /** Asks, and streams the first chunk; done when all readers have it. */
  async open() {
    await this.#request();
    this.#emit("CLIENT_STREAM_START", { type: 1 });
    this.sendChunk();
    await Promise.race([this.opened, this.arrived]);
  }

  async #request() {
    const arrived = new Promise((resolve) => {
      this.extension.socket.once("LLM_REQUEST", resolve);
    });
    const ack = await this.requester.emitWithAck("LLM_REQUEST", {
      requestId: `bench-${this.number}`,
      target: this.extension.identity,
      targetRoom: this.room,
      message: "Tell me a story.",
    });
    if (ack.status !== "ok") throw new Error(`refused: ${JSON.stringify(ack)}`);
    // The server may have given the extension a requestId of its own.
    const { requestId } = await arrived;
    this.ids = {
      streamId: `stream-${this.number}`,
      outputId: `output-${this.number}`,
      requestId,
    };
  }

  sendChunk() {
    const chunkIndex = this.sent++;
    const data = chunkText(this.number, chunkIndex, this.size);
    this.sentAt[chunkIndex] = performance.now();
    if (chunkIndex === 0) {
      this.#emit("CLIENT_STREAM_DATA_FIRST", { type: 4, chunkIndex, data });
    } else {
      this.#emit("CLIENT_STREAM_DATA_MIDDLE", { type: 5, chunkIndex, data });
    }
  }

  /** No more chunks than were sent. */
  stop() {
    this.chunks = this.sent;
    this.took();
  }

  /** A reader has got something. */
  took() {
    const { received } = this;
    if (received >= 1) this.resolveOpened();
    if (received === this.chunks) this.resolveArrived();
    else this.onReceived();
  }

  /** Ends it; done when all readers have heard so. */
  async close() {
    this.#emit("CLIENT_STREAM_END", { type: 3, final: true });
    await Promise.all(this.ends);
  }

  #emit(event, fields) {
    this.extension.socket.emit(event, { ...fields, ...this.ids });
  }
}

/** Milliseconds from an extension's emit to a reader's handler, over all chunks. */
export function latencies(streams) {
  const readers = streams.flatMap((stream) => stream.readers);
  const all = Float64Array.from(readers.flatMap((reader) => reader.latency)).sort();
  const at = (share) => all[Math.min(all.length - 1, Math.floor(all.length * share))];
  return { p50: at(0.5), p99: at(0.99) };
}
