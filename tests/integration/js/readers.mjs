// More than one who reads: tabs, windows and rooms.

import {
  connectClient,
  ended,
  fakeExtension,
  heard,
  overheard,
  play,
  tell,
} from './tavern.mjs';

/** Two identities of one client; the extension repeats what it was asked. */
async function twoTabs({ url, clientId, extension }) {
  const behaviour = (answer, { message }) => tell('You said ', message)(answer);
  const identify = { capacity: 2 };
  await fakeExtension(url, { clientId: extension, identify, behaviour });
  const left = await connectClient(url, { clientId, identity: `${clientId}-left` });
  const right = await connectClient(url, { clientId, identity: `${clientId}-right` });
  await left.order({ requestId: 'r1', target: extension, message: 'left' });
  await right.order({ requestId: 'r1', target: extension, message: 'right' });
  return { left: await ended(left, 'r1'), right: await ended(right, 'r1') };
}

/** Two connections of one identity both read what one of them ordered. */
async function twoSockets({ url, clientId, extension }) {
  const behaviour = tell('for ', 'both');
  await fakeExtension(url, { clientId: extension, behaviour });
  const first = await connectClient(url, { clientId });
  const second = await connectClient(url, { clientId });
  await first.order({ requestId: 'r1', target: extension });
  return [await ended(first, 'r1'), await ended(second, 'r1')];
}

/** The owner adds the others to the room named like its identity, and orders. */
async function roomOfReaders({ url, clientIds, extension, texts }) {
  await fakeExtension(url, { clientId: extension, behaviour: tell(...texts) });
  const [ownerId, ...guestIds] = clientIds;
  const owner = await connectClient(url, {
    clientId: ownerId,
    namespaces: ['/llm', '/rooms'],
  });
  const guests = [];
  for (const clientId of guestIds) {
    guests.push(await connectClient(url, { clientId }));
    const member = { identity: clientId, roomName: ownerId };
    const ack = await owner.ask('/rooms', 'ADD_CLIENT_TO_ROOM', member);
    if (ack.status !== 'ok') throw new Error(`${clientId} not added: ${ack.message}`);
  }
  await owner.order({ requestId: 'r1', target: extension });
  await ended(owner, 'r1');
  for (const guest of guests) await guest.tap().first('streamed_end');
  return Promise.all(
    [owner, ...guests].map(async (peer) => {
      const [{ requestId }] = peer.tap().all('streamed_end');
      return overheard(peer, requestId);
    }),
  );
}

/** One who is in no room with the requester hears nothing. */
async function stranger({ url, clientId, strangerId, extension }) {
  await fakeExtension(url, { clientId: extension, behaviour: tell('not for ', 'you') });
  const client = await connectClient(url, { clientId });
  const other = await connectClient(url, { clientId: strangerId });
  await client.order({ requestId: 'r1', target: extension });
  await ended(client, 'r1');
  await other.barrier();
  return { events: other.tap().events.map(({ event }) => event), ...heard(other, 'r1') };
}

play({ twoTabs, twoSockets, roomOfReaders, stranger });
