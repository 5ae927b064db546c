// The whole house: LLM, broker, SillyTaverns, Chromium, and those who order.
//
// All tests of a run share it. SillyTaverns are started when a test first asks for
// them. What a test changes in one, a draft or a policy, is its own to tidy up.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { connectClient, fakeExtension } from '../integration/js/tavern.mjs';
import { pending } from '../integration/js/wait.mjs';

import { Broker } from './broker.mjs';
import { startChromium, Tab } from './browser.mjs';
import { Llm } from './llm.mjs';
import { freePort } from './processes.mjs';
import { searchLogs } from './secrets.mjs';
import { BARKEEPER, SillyTavern } from './sillytavern.mjs';

const GUESTS = 400;

/** Seconds that the broker waits for who is lost: SillyTavern reloads within them. */
const GRACE = 10;

/** Milliseconds in which an extension must have come back. */
const PATIENCE = 30_000;

const WINDOW = { width: 1400, height: 900 };

/** A SillyTavern with the tab that its user has open. */
export class Instance {
  constructor(tavern, browserContext) {
    this.tavern = tavern;
    this.browserContext = browserContext;
    this.identity = `SillyTavern-${tavern.port}`;
  }

  /** Open SillyTavern in another tab of the same browser. */
  async openTab() {
    return Tab.open(this.browserContext, this.tavern.url);
  }

  /** Lose the tab and the server at once, without a word from either. */
  async crash() {
    await Promise.all([this.tab.crash(), this.tavern.kill()]);
  }

  /** Start the server again and open its page. */
  async comeBack() {
    await this.tavern.start();
    await this.tab.page.close();
    this.tab = await this.openTab();
  }
}

function trusted() {
  const numbers = Array.from({ length: GUESTS }, (_, index) => index + 1);
  const guests = numbers.map((number) => [`guest-${number}`, {}]);
  const staff = { doorman: {}, monitor: { clientType: 'monitor' } };
  return { ...Object.fromEntries(guests), ...staff };
}

/** Ask until the answer is yes; nobody tells a client that an extension is idle. */
async function eventually(what, ask) {
  const deadline = performance.now() + PATIENCE;
  pending.add(what);
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`${what} took over ${PATIENCE} ms`);
    await setTimeout(50);
  }
  pending.delete(what);
}

class House {
  instances = [];
  #root;
  #closing = [];
  #guests = 0;
  #present = new Set();
  #watching = null;
  #bare = null;
  #taverns = [];

  async open() {
    try {
      await this.#open();
    } catch (error) {
      await this.close();
      throw error;
    }
    return this;
  }

  async #open() {
    this.#root = await mkdtemp(join(tmpdir(), 'tapster-e2e-'));
    this.#closing.push(() => rm(this.#root, { recursive: true, force: true }));
    this.llm = await new Llm().start();
    this.#closing.push(() => this.llm.stop());
    const root = join(this.#root, 'broker');
    const server = { monitorsMayGetKey: true, reconnectGrace: GRACE };
    this.broker = new Broker({ root, clients: trusted(), server });
    await this.broker.prepare();
    await this.broker.start();
    this.#closing.push(
      () => searchLogs(this.#root), // SillyTaverns' as well, which end before
      () => this.broker.stop(),
      async () => (await this.#watching)?.leave(),
    );
    this.browser = await startChromium();
    this.#closing.push(() => this.browser.close());
  }

  /** SillyTavern without our extension. */
  async bare() {
    this.#bare ??= this.#start(null);
    return this.#bare;
  }

  /** The SillyTavern that most tests share, connected to the broker. */
  async tavern() {
    const [first] = await this.taverns(1);
    return first;
  }

  /** The first `count` SillyTaverns, all connected. */
  async taverns(count) {
    // The first start ever compiles what the others find compiled.
    this.#taverns[0] ??= this.#start(this.#extension);
    await this.#taverns[0];
    while (this.#taverns.length < count) this.#taverns.push(this.#start(this.#extension));
    const instances = await Promise.all(this.#taverns.slice(0, count));
    await Promise.all(instances.map((instance) => this.connected(instance)));
    return instances;
  }

  /** Come back when the broker has an instance's extension, with nothing to do. */
  async connected({ identity }) {
    const doorman = await this.#doorman();
    await eventually(`${identity}: to be connected`, async () => {
      const { details } = await doorman.ask('/auth', 'GET_SILLYTAVERN_EXTENSION');
      return details.some((each) => each.identity === identity && !each.busy);
    });
  }

  async #start(extension) {
    const port = await freePort();
    const root = join(this.#root, `SillyTavern-${port}`);
    const llm = this.llm.urlFor(`SillyTavern-${port}`);
    const tavern = new SillyTavern({ root, port, llm, extension });
    await tavern.prepare();
    this.#closing.push(() => tavern.kill());
    await tavern.start();
    await tavern.addCharacter(BARKEEPER);
    // Cookies know no ports: each instance has a jar of its own.
    const context = await this.browser.newContext({ viewport: WINDOW });
    const instance = new Instance(tavern, context);
    instance.tab = await instance.openTab();
    await instance.tab.saveSettings();
    this.instances.push(instance);
    return instance;
  }

  /** What the settings of SillyTavern say of our extension, before its first start. */
  get #extension() {
    return { address: this.broker.url };
  }

  async #doorman() {
    const auth = { clientId: 'doorman', namespaces: ['/auth'] };
    this.#watching ??= connectClient(this.broker.url, auth);
    return this.#watching;
  }

  /** A client that nobody else is, in `/llm` and wherever else it wants to be. */
  async guest(...namespaces) {
    this.#guests += 1;
    return this.#connect({ clientId: `guest-${this.#guests}` }, namespaces);
  }

  /** Another SillyTavern, of the same name as this one. */
  async namesake({ identity }) {
    const identify = { instance: 'namesake', takeOver: true };
    const peer = await fakeExtension(this.broker.url, { clientId: identity, identify });
    this.#present.add(peer);
  }

  /** A monitor, who may set policies. */
  async monitor(...namespaces) {
    return this.#connect({ clientId: 'monitor', clientType: 'monitor' }, namespaces);
  }

  async #connect(auth, namespaces) {
    const joined = { ...auth, namespaces: ['/llm', ...namespaces] };
    const peer = await connectClient(this.broker.url, joined);
    this.#present.add(peer);
    return peer;
  }

  /** Have all who came to this scene leave. */
  async sayGoodbye() {
    await Promise.allSettled([...this.#present].map((peer) => peer.leave()));
    this.#present.clear();
  }

  /** End everything, whatever of it has trouble in ending. */
  async close() {
    const troubles = [];
    for (const close of this.#closing.reverse()) {
      await Promise.resolve()
        .then(close)
        .catch((error) => troubles.push(error));
    }
    if (troubles.length > 0)
      throw new AggregateError(troubles, 'the house did not close in peace');
  }
}

let house = null;

/** The house that all tests of this process share. */
export async function openHouse() {
  house ??= new House().open();
  return house;
}

/** End everything; whoever opens it again finds a new one. */
export async function closeHouse() {
  const closing = house;
  house = null;
  const opened = await closing?.catch(() => null); // it has closed by itself
  await opened?.close();
}
