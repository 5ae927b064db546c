// How to log in to each peer. All end with a socket in /llm and its identity:
//
//   client(kind, index)       an ordinary client, on an Engine.IO connection of its own
//   extension(kind, index)    the same for a SillyTavern, ready for requests
//   room(extension, clients)  puts clients into a room, and gives its name
//   status()                  gives a function that reads the lag of the server's loop
//
// `node` and `plain` let everybody in. Tapster wants a key. The first connection of a
// clientId asks for one (`getKey`, on loopback, for an id that a settings file trusts)
// and all later ones of that id use it; so with --ids shared a thousand connections
// cost the server one bcrypt, and with --ids own one each.

import { Manager } from "socket.io-client";

const ASK_FOR_KEY = "getKey";

const ROOM = "bench-room";

function openManager(url, reconnection = false) {
  return new Manager(url, { transports: ["websocket"], reconnection });
}

/** Joins a namespace; a connection lost later than that fails the run. */
function join(manager, namespace, auth, fail) {
  const { socket, connected } = knock(manager, namespace, auth, fail);
  const name = `${auth.identity} in ${namespace}`;
  socket.on("disconnect", (reason) => fail(new Error(`${name} lost: ${reason}`)));
  return { socket, connected };
}

/** Joins a namespace. */
function knock(manager, namespace, auth, fail) {
  const socket = manager.socket(namespace, { auth });
  const name = `${auth.identity} in ${namespace}`;
  const connected = new Promise((resolve, reject) => {
    if (socket.connected) resolve(); // a manager has one socket for each namespace
    socket.once("connect", resolve);
    socket.once("connect_error", (error) => {
      const detail = JSON.stringify(error.data ?? error.description?.message ?? null);
      reject(new Error(`${name} was refused: ${error.message} ${detail}`));
    });
    socket.once("connect", () => {
      // One that comes back may fail to reach the server, but not to be let in.
      socket.on("connect_error", ({ message, data }) => {
        if (data) fail(new Error(`${name} was not let back in: ${message}`));
      });
    });
  });
  for (const event of ["ERROR", "WARNING"]) {
    socket.on(event, (data) => {
      fail(new Error(`${name} got ${event} ${JSON.stringify(data)}`));
    });
  }
  return { socket, connected };
}

async function joined(manager, namespace, auth, fail) {
  const { socket, connected } = join(manager, namespace, auth, fail);
  await connected;
  return socket;
}

async function accepted(asked) {
  const ack = await asked;
  if (ack.status !== "ok") throw new Error(`refused: ${JSON.stringify(ack)}`);
}

/** Cuts a connection as a broken network would; done when all sockets are back. */
function cut(manager, sockets) {
  const back = sockets.map((socket) => {
    return new Promise((resolve) => socket.once("connect", resolve));
  });
  manager.engine.transport.ws.terminate();
  return Promise.all(back);
}

class OpenDoor {
  constructor({ url }, fail) {
    this.url = url;
    this.fail = fail;
  }

  async client(kind, index) {
    const identity = `${kind}-${index}`;
    const auth = { clientId: identity, identity };
    const manager = openManager(this.url);
    return { identity, socket: await joined(manager, "/llm", auth, this.fail) };
  }

  extension(kind, index) {
    return this.client(kind, index);
  }

  async room(_extension, clients) {
    const joining = clients.map(({ socket }) => {
      return accepted(socket.emitWithAck("JOIN_ROOM", { roomName: ROOM }));
    });
    await Promise.all(joining);
    return ROOM;
  }

  async status() {
    return null;
  }
}

class TapsterDoor {
  constructor({ url, ids, keys }, fail) {
    this.url = url;
    this.ids = ids;
    this.fail = fail;
    /** clientId → promise of its key; pending while its first connection asks. */
    this.keys = new Map(
      Object.entries(keys).map(([clientId, key]) => [clientId, Promise.resolve(key)]),
    );
  }

  handshake(kind, index, clientType) {
    const identity = `${kind}-${index}`;
    const clientId = this.ids === "own" ? identity : kind;
    return { clientId, identity, clientType };
  }

  /** The key of a clientId, from `ask` if this is the first connection to want it. */
  async keyOf(clientId, ask) {
    if (!this.keys.has(clientId)) this.keys.set(clientId, ask());
    return this.keys.get(clientId);
  }

  /** With `returns`, it may be cut() off and comes back by itself. */
  async client(kind, index, namespaces = ["/llm"], { returns = false } = {}) {
    const auth = this.handshake(kind, index, "bench");
    const manager = openManager(this.url, returns);
    const key = await this.keyOf(auth.clientId, () => this.askInAuth(manager, auth));
    const enter = returns ? knock : join;
    const entered = namespaces.map((name) => {
      return enter(manager, name, { ...auth, key }, this.fail);
    });
    await Promise.all(entered.map(({ connected }) => connected));
    const sockets = entered.map(({ socket }) => socket);
    const { identity } = auth;
    const more = (name) => joined(manager, name, { ...auth, key }, this.fail);
    return {
      identity,
      socket: sockets[0],
      enter: more,
      cut: () => cut(manager, sockets),
      deafen: () => manager.engine.transport.ws._socket.pause(),
    };
  }

  async askInAuth(manager, auth) {
    const asking = { ...auth, key: ASK_FOR_KEY };
    const { socket, connected } = knock(manager, "/auth", asking, this.fail);
    const issued = new Promise((resolve) => socket.once("GET_CLIENT_KEY", resolve));
    await connected;
    const { key } = await issued;
    socket.auth = { ...auth, key }; // should it ever come back
    return key;
  }

  async extension(kind, index) {
    const auth = this.handshake(kind, index, "SillyTavern");
    const manager = openManager(this.url);
    const { clientId, identity } = auth;
    let identified = false;
    const key = await this.keyOf(clientId, async () => {
      identified = true;
      return this.identify(manager, { ...auth, key: ASK_FOR_KEY });
    });
    if (!identified) await this.identify(manager, { ...auth, key });
    const socket = await joined(manager, "/llm", { ...auth, key }, this.fail);
    const enter = (name) => joined(manager, name, { ...auth, key }, this.fail);
    return { identity, socket, enter };
  }

  async room(extension, clients) {
    const rooms = await extension.enter("/rooms");
    const room = { roomName: ROOM, mode: "Immediate" };
    await accepted(rooms.emitWithAck("CREATE_ROOM", room));
    for (const { identity } of clients) {
      const member = { roomName: ROOM, identity };
      await accepted(rooms.emitWithAck("ADD_CLIENT_TO_ROOM", member));
    }
    return ROOM;
  }

  /** As a SillyTavern that only looks: it takes no requests. */
  async status() {
    const auth = this.handshake("SillyTavern-bench", "watch", "SillyTavern");
    const manager = openManager(this.url);
    const key = await this.keyOf(auth.clientId, () => this.askInAuth(manager, auth));
    const socket = await joined(manager, "/debug", { ...auth, key }, this.fail);
    return async () => {
      const { serverStatus } = await socket.emitWithAck("SERVER_STATUS");
      return serverStatus.loopLagP99;
    };
  }

  /** Answers with the key, if one was issued. */
  async identify(manager, auth) {
    const socket = await joined(manager, "/sillytavern", auth, this.fail);
    const about = { clientId: auth.clientId, capacity: 1, context: 0, version: "bench" };
    const ack = await socket.emitWithAck("IDENTIFY_SILLYTAVERN", about);
    if (ack.status === "error") {
      throw new Error(`${auth.identity} was not identified: ${ack.message}`);
    }
    return ack.key;
  }
}

export function adapterFor(options, fail) {
  const Door = options.peer === "tapster" ? TapsterDoor : OpenDoor;
  return new Door(options, fail);
}
