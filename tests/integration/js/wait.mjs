// Waiting for what will happen, without sleeping: somebody notes a change, and
// every wait looks again. What is still waited for is named when time runs out.

/** What the scenario is waiting for at this moment, for the message of a time-out. */
export const pending = new Set();

/** Something that changes, and that one can wait for. */
export class Changes {
  #probes = new Set();

  /** Let every wait look again. */
  changed() {
    for (const probe of [...this.#probes]) probe();
  }

  /** The first value of `look` that is not undefined; `what` names it in messages. */
  until(what, look) {
    return new Promise((resolve) => {
      const probe = () => {
        const value = look();
        if (value === undefined) return;
        this.#probes.delete(probe);
        pending.delete(what);
        resolve(value);
      };
      pending.add(what);
      this.#probes.add(probe);
      probe();
    });
  }
}

/** The promise's value, or an error that names `what` after `ms` milliseconds. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took over ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
