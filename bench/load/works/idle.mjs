// Idle clients connect: what does each cost?

import { connectIdle, settle } from "../crowd.mjs";

/** Connections made before those that count: caches and pools fill first. */
const WARM_UP_CLIENTS = 20;

export class Idle {
  constructor(adapter, { idle, namespaces }) {
    this.adapter = adapter;
    this.count = idle;
    this.namespaces = namespaces;
  }

  async prepare() {
    await connectIdle(this.adapter, 0, WARM_UP_CLIENTS, this.namespaces);
    await settle();
  }

  async run() {
    await connectIdle(this.adapter, WARM_UP_CLIENTS, this.count, this.namespaces);
    await settle();
    return { connections: this.count };
  }

  /** Whoever was lost has failed the run already. */
  async check() {}
}
