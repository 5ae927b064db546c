// For operators who watch the house: a snapshot, and what changes after it.

import {
  Answer,
  connectClient,
  ended,
  fakeExtension,
  play,
  requestOf,
} from './tavern.mjs';

const HERE = '/debug';

function monitor(url, identity) {
  return connectClient(url, {
    clientId: 'monitor',
    clientType: 'monitor',
    identity,
    namespaces: [HERE],
  });
}

/** What a page makes of a snapshot and the updates after it. */
class House {
  constructor(boss) {
    this.boss = boss;
  }

  async watch() {
    this.ack = await this.boss.ask(HERE, 'WATCH_HOUSE', {});
    return this;
  }

  get updates() {
    return this.boss.tap(HERE).all('HOUSE_UPDATE');
  }

  /** Everything as it is now. */
  get state() {
    const state = structuredClone(this.ack.snapshot);
    for (const { changes = {} } of this.updates) {
      Object.assign(state.house, changes.house);
      for (const name of ['instances', 'requests', 'clients']) {
        Object.assign(state[name], changes[name]?.set);
        for (const key of changes[name]?.gone ?? []) delete state[name][key];
      }
      state.log.push(...(changes.log ?? []));
    }
    return state;
  }

  /** Wait until something is so. */
  until(what, holds) {
    const tap = this.boss.tap(HERE);
    return tap.until(what, () => (holds(this.state) ? this.state : undefined));
  }
}

function requestNamed(state, requestId) {
  return Object.values(state.requests).find((each) => each.requestId === requestId);
}

/** A request from its order to its end, as who watches sees it. */
async function story({ url, extensionId, clientId }) {
  const house = await new House(await monitor(url)).watch();
  const empty = house.state;
  const extension = await fakeExtension(url, {
    clientId: extensionId,
    desc: 'a fake one',
    identify: { current: { name: 'Barkeeper' }, model: 'small', capacity: 1 },
  });
  const guest = await connectClient(url, { clientId, desc: 'a guest' });
  const here = await house.until(
    'both are shown',
    ({ clients, instances }) => clients[clientId] && instances[extensionId],
  );
  for (const requestId of ['r1', 'r2']) await guest.order({ requestId });
  const queued = await house.until('one waits', (state) => {
    const [first, second] = ['r1', 'r2'].map((id) => requestNamed(state, id));
    const counted = state.instances[extensionId].queued === 1;
    return first?.state === 'sent' && second?.state === 'queued' && counted;
  });
  const answer = new Answer(extension, await requestOf(extension, 1)).start();
  answer.write('one', 'two', 'three');
  const streaming = await house.until('chunks are counted', (state) => {
    const first = requestNamed(state, 'r1');
    return first?.state === 'streaming' && first.chunks === 3;
  });
  answer.end();
  await ended(guest, 'r1');
  new Answer(extension, await requestOf(extension, 2)).start().write('x').fail('no ink');
  await ended(guest, 'r2');
  const over = await house.until('both have ended', (state) => {
    const figures = state.instances[extensionId];
    return figures.completed === 1 && figures.failed === 1;
  });
  await guest.leave();
  const left = await house.until('the guest has left', (state) => {
    return !(clientId in state.clients);
  });
  return {
    ack: house.ack,
    empty,
    here,
    queued,
    streaming,
    over,
    left,
    revisions: house.updates.map(({ revision }) => revision),
  };
}

/** Two who watch get the same; one that stops gets nothing more. */
async function several({ url }) {
  const [one, two] = [await monitor(url, 'tab-1'), await monitor(url, 'tab-2')];
  const houses = [await new House(one).watch(), await new House(two).watch()];
  const third = await monitor(url, 'tab-3');
  for (const house of houses) {
    await house.until('the third is shown', ({ clients }) => 'tab-3' in clients);
  }
  const common = houses.map((house) =>
    JSON.stringify(house.updates.find(({ changes }) => changes?.clients?.set?.['tab-3'])),
  );
  const ack = await one.ask(HERE, 'UNWATCH_HOUSE');
  const before = houses[0].updates.length;
  await third.leave();
  await houses[1].until('the third has left', ({ clients }) => !('tab-3' in clients));
  await one.ask(HERE, 'SERVER_STATUS');
  return { common, ack, later: houses[0].updates.length - before };
}

/** Pages of requests, the newest first. */
async function pages({ url, extensionId, clientId }) {
  const boss = await monitor(url);
  const behaviour = (answer) => answer.start().write('aye').end();
  await fakeExtension(url, { clientId: extensionId, behaviour });
  const guest = await connectClient(url, { clientId });
  for (const requestId of ['r1', 'r2', 'r3']) {
    await guest.order({ requestId });
    await ended(guest, requestId);
  }
  const first = await boss.ask(HERE, 'GET_REQUESTS', { limit: 2 });
  const { seq } = first.requests.at(-1);
  return {
    first,
    second: await boss.ask(HERE, 'GET_REQUESTS', { before: seq }),
    wrong: (await boss.ask(HERE, 'GET_REQUESTS', { limit: 501 })).code,
  };
}

/** Who may not watch. */
async function refused({ url, extensionId, clientId }) {
  const extension = await fakeExtension(url, { clientId: extensionId });
  await extension.join(HERE);
  const guest = await connectClient(url, { clientId, namespaces: [HERE] });
  const codes = [];
  for (const peer of [extension, guest]) {
    for (const event of ['WATCH_HOUSE', 'UNWATCH_HOUSE', 'GET_REQUESTS']) {
      codes.push((await peer.ask(HERE, event, {})).code);
    }
  }
  return codes;
}

play({ story, several, pages, refused });
