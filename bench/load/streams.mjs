// One stream: an extension that writes it, a client that reads and checks it.

/** The text of one chunk: its stream and its place, filled up to `size`. */
function chunkText(stream, index, size) {
  return `${stream}:${index} `.padEnd(size, "word ");
}

export class Stream {
  constructor(number, { extension, client }, { chunks, size }) {
    this.number = number;
    this.extension = extension;
    this.client = client;
    this.chunks = chunks;
    this.size = size;
    this.sent = 0;
    this.received = 0;
    this.sentAt = new Float64Array(chunks);
    this.latency = new Float64Array(chunks);
    /** Called after each arrival: a sender with a full window waits for it. */
    this.onReceived = () => {};
    this.ended = new Promise((resolve, reject) => {
      this.resolveEnded = resolve;
      this.rejectEnded = reject;
    });
    client.socket.on("streamed_data", (message) => this.#receive(message));
    client.socket.on("streamed_end", () => this.#end());
  }

  /** Asks; done when the server has said "ok" and the extension has the request. */
  async request() {
    const arrived = new Promise((resolve) => {
      this.extension.socket.once("LLM_REQUEST", resolve);
    });
    const ack = await this.client.socket.emitWithAck("LLM_REQUEST", {
      requestId: `bench-${this.number}`,
      target: this.extension.identity,
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

  start() {
    this.#emit("CLIENT_STREAM_START", { type: 1 });
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

  end() {
    this.#emit("CLIENT_STREAM_END", { type: 3, final: true });
  }

  #emit(event, fields) {
    this.extension.socket.emit(event, { ...fields, ...this.ids });
  }

  /** Servers may join chunks: the text says which ones these are. */
  #receive({ data }) {
    const now = performance.now();
    for (let at = 0; at < data.length; at += this.size) {
      const index = this.received++;
      const expected = chunkText(this.number, index, this.size);
      if (data.slice(at, at + this.size) !== expected) {
        const got = JSON.stringify(data.slice(at, at + this.size));
        this.rejectEnded(new Error(`stream ${this.number}, chunk ${index}: ${got}`));
        return;
      }
      this.latency[index] = now - this.sentAt[index];
    }
    this.onReceived();
  }

  #end() {
    if (this.received === this.chunks) this.resolveEnded();
    else {
      const missing = `${this.received} of ${this.chunks} chunks`;
      this.rejectEnded(new Error(`stream ${this.number} ended after ${missing}`));
    }
  }
}

export async function openStreams(pairs, options) {
  const streams = pairs.map((pair, index) => new Stream(index, pair, options));
  await Promise.all(streams.map((stream) => stream.request()));
  return streams;
}

/** Milliseconds from an extension's emit to the client's handler, over all chunks. */
export function latencies(streams) {
  const all = new Float64Array(streams.length * streams[0].chunks);
  streams.forEach((stream, index) => all.set(stream.latency, index * stream.chunks));
  all.sort();
  const at = (share) => all[Math.min(all.length - 1, Math.floor(all.length * share))];
  return { p50: at(0.5), p99: at(0.99) };
}
