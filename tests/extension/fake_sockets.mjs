// Socket.IO's client, as far as a connection uses it; the test is the network.

/** One namespace; `acks` answers what is asked by event. */
export class FakeSocket {
  #handlers = new Map();
  connected = false;
  wanted = false;
  said = [];

  constructor(namespace, { auth }, network) {
    this.namespace = namespace;
    this.network = network;
    this.showAuth = () => {
      let shown;
      auth((given) => (shown = given));
      return shown;
    };
  }

  on(event, handler) {
    const all = this.#handlers.get(event) ?? [];
    this.#handlers.set(event, [...all, handler]);
  }

  once(event, handler) {
    this.on(event, handler);
  }

  off() {
    this.#handlers.clear();
  }

  hear(event, ...args) {
    for (const handler of this.#handlers.get(event) ?? []) handler(...args);
  }

  connect() {
    this.wanted = true;
    this.network.knock(this);
  }

  disconnect() {
    this.wanted = false;
    if (this.connected) this.close('io client disconnect');
  }

  close(reason) {
    this.connected = false;
    this.hear('disconnect', reason);
  }

  emit(event, ...data) {
    this.said.push([event, ...data]);
  }

  timeout() {
    return this;
  }

  async emitWithAck(event, ...data) {
    this.said.push([event, ...data]);
    const answer = this.network.answers[event];
    if (answer === undefined) throw new Error(`${event} was not answered`);
    return typeof answer === 'function' ? answer(...data) : answer;
  }

  /** The data of the events of a name. */
  of(name) {
    return this.said.filter(([event]) => event === name).map(([, data]) => data);
  }
}

/** What is between us and the broker; `refusal` is what it says at the door. */
export class Network {
  sockets = {};
  patience = {};
  refusal = null;
  /** What is answered instead of a connection, as an HTTP body. */
  shut = null;
  /** Whether the library would come back by itself. */
  reconnects = true;
  knocks = 0;
  answers = {
    IDENTIFY_SILLYTAVERN: { status: 'ok', key: 'tap_1_new' },
    FUNCTION_CALL: {
      success: true,
      result: { success: true, result: { reconnectAttempts: 7, reconnectDelay: 300 } },
    },
    GET_SILLYTAVERN_EXTENSION: { details: [{ identity: 'SillyTavern-8000', queued: 3 }] },
  };

  manager = (url, options) => {
    this.url = url;
    this.path = options.path;
    return {
      on() {},
      off() {},
      reconnection: (value) => (this.reconnects = value),
      reconnectionAttempts: (attempts) => (this.patience.attempts = attempts),
      reconnectionDelay: (delay) => (this.patience.delay = delay),
      reconnectionDelayMax() {},
      socket: (namespace, parts) =>
        (this.sockets[namespace] = new FakeSocket(namespace, parts, this)),
    };
  };

  knock(socket) {
    this.knocks += 1;
    queueMicrotask(() => {
      if (!socket.wanted || socket.connected) return;
      if (this.shut !== null) {
        const context = { responseText: this.shut };
        socket.hear('connect_error', Object.assign(new Error('xhr poll error'), { context }));
        return;
      }
      const refusal = this.refusal?.(socket.showAuth());
      if (refusal) {
        socket.hear('connect_error', Object.assign(new Error(refusal.message), { data: refusal }));
        return;
      }
      socket.connected = true;
      socket.hear('connect');
    });
  }

  /** Lose all that is open, as when the broker is killed. */
  fail() {
    for (const socket of Object.values(this.sockets)) {
      if (socket.connected) socket.close('transport close');
    }
  }
}
