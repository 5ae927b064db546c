// Readers that use the unmodified @sap_oss/node-socketio-stream.

import ss from '@sap_oss/node-socketio-stream';

import { Changes } from './wait.mjs';

/** Collects every stream that the broker opens under one event name. */
export class LibraryReader extends Changes {
  streams = [];

  /** With `stalled`, a stream is asked for once and then not consumed. */
  constructor(socket, event = 'streamed_data', { stalled = false } = {}) {
    super();
    ss(socket).on(event, (stream, info) => this.#open(stream, info, stalled));
  }

  #open(stream, info, stalled) {
    const entry = { stream, info, chunks: [], state: 'open', error: null };
    this.streams.push(entry);
    stream.on('end', () => this.#close(entry, 'ended'));
    stream.on('error', (error) => this.#close(entry, 'error', error.message));
    if (stalled) stream.read(0);
    else this.#consume(entry);
    this.changed();
  }

  #consume(entry) {
    entry.stream.on('data', (chunk) => {
      entry.chunks.push(chunk);
      this.changed();
    });
  }

  #close(entry, state, error = null) {
    if (entry.state === 'open') Object.assign(entry, { state, error });
    this.changed();
  }

  /** Consume what was stalled. */
  flow() {
    for (const entry of this.streams) this.#consume(entry);
  }

  /** The `count`th stream, once it is open. */
  opened(count = 1) {
    return this.until(`library stream ${count}`, () => this.streams.at(count - 1));
  }

  /** The `count`th stream, once it has ended or failed. */
  closed(count = 1) {
    return this.until(`end of library stream ${count}`, () => {
      const entry = this.streams.at(count - 1);
      return entry === undefined || entry.state === 'open' ? undefined : entry;
    });
  }

  /** The `count`th stream, once `length` characters of it are there. */
  async filled(length, count = 1) {
    return this.until(`${length} characters of library stream ${count}`, () => {
      const entry = this.streams.at(count - 1);
      return entry && textOf(entry).length >= length ? entry : undefined;
    });
  }
}

/** The text of a stream so far. */
export function textOf(entry) {
  return Buffer.concat(entry.chunks.map((chunk) => Buffer.from(chunk))).toString('utf8');
}

/** A stream as JSON: what it was announced with, its text and how it ended. */
export function summary(entry) {
  const { info, state, error } = entry;
  return { info, state, error, text: textOf(entry) };
}

/** Watches how many bytes of `$stream-write` a socket was sent and did not ack. */
export class Window {
  writes = 0;
  unacked = 0;
  peak = 0;
  #sizes = new Map();

  constructor(socket) {
    const { onevent, ack } = socket;
    socket.onevent = (packet) => {
      if (packet.data[0] === '$stream-write') this.#sent(packet.id, packet.data[2]);
      onevent.call(socket, packet);
    };
    socket.ack = (id) => {
      const reply = ack.call(socket, id);
      return (...args) => {
        this.#acked(id);
        reply(...args);
      };
    };
  }

  #sent(id, text) {
    const size = Buffer.byteLength(text);
    this.#sizes.set(id, size);
    this.writes += 1;
    this.unacked += size;
    this.peak = Math.max(this.peak, this.unacked);
  }

  #acked(id) {
    this.unacked -= this.#sizes.get(id) ?? 0;
    this.#sizes.delete(id);
  }
}
