// How to log in to each peer. All end with a socket in /llm and its identity:
//
//   client(kind, index)     an ordinary client, on an Engine.IO connection of its own
//   extension(kind, index)  the same for a SillyTavern, ready for requests
//
// `node` and `plain` let everybody in. Tapster wants a key. The first connection of a
// clientId asks for one (`getKey`, on loopback, for an id that a settings file trusts)
// and all later ones of that id use it; so with --ids shared a thousand connections
// cost the server one bcrypt, and with --ids own one each.

import { Manager } from "socket.io-client";

const ASK_FOR_KEY = "getKey";

function openManager(url) {
  return new Manager(url, { transports: ["websocket"], reconnection: false });
}

/** Joins a namespace; a connection lost later than that fails the run. */
function join(manager, namespace, auth, fail) {
  const socket = manager.socket(namespace, { auth });
  const name = `${auth.identity} in ${namespace}`;
  const connected = new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", (error) => {
      const detail = JSON.stringify(error.data ?? error.description?.message ?? null);
      reject(new Error(`${name} was refused: ${error.message} ${detail}`));
    });
  });
  socket.on("disconnect", (reason) => fail(new Error(`${name} lost: ${reason}`)));
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

  async client(kind, index) {
    const auth = this.handshake(kind, index, "bench");
    const manager = openManager(this.url);
    const key = await this.keyOf(auth.clientId, () => this.askInAuth(manager, auth));
    const socket = await joined(manager, "/llm", { ...auth, key }, this.fail);
    return { identity: auth.identity, socket };
  }

  async askInAuth(manager, auth) {
    const asking = { ...auth, key: ASK_FOR_KEY };
    const { socket, connected } = join(manager, "/auth", asking, this.fail);
    const issued = new Promise((resolve) => socket.once("GET_CLIENT_KEY", resolve));
    await connected;
    return (await issued).key;
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
    return { identity, socket };
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
