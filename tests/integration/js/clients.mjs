// Who is here, who is told, and the keys of others.

import { connectClient, fakeExtension, Peer, play, Refused } from './tavern.mjs';

const HERE = '/clients';
const KEY_EVENTS = ['GENERATE_CLIENT_KEY', 'REMOVE_CLIENT_KEY', 'GET_ALL_CLIENT_KEYS'];

function monitor(url, namespaces = [HERE]) {
  return connectClient(url, { clientId: 'monitor', clientType: 'monitor', namespaces });
}

async function tavern(url, clientId) {
  const extension = await fakeExtension(url, { clientId, desc: 'an inn' });
  await extension.join(HERE);
  return extension;
}

async function knock(url, auth) {
  const peer = new Peer(url, auth, { reconnection: false });
  try {
    await peer.join('/llm');
    const { status } = await peer.ask('/llm', 'LLM_REQUEST', {});
    return { verified: status === 'error' };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return error.refusal;
  } finally {
    await peer.leave();
  }
}

const names = (told) => told.clients.map(({ identity }) => identity);

/** What one who asks is told, under both names. */
async function list({ url, clientId, ...auth }) {
  const peer = await connectClient(url, { clientId, namespaces: [HERE], ...auth });
  return {
    key: peer.auth.key,
    list: await peer.ask(HERE, 'GET_CLIENT_LIST'),
    again: await peer.ask(HERE, 'UPDATE_CONNECTED_CLIENTS', {}),
  };
}

/** Somebody comes, drops out, comes back, and leaves. */
async function told({ url, clientId, extensionId, otherId }) {
  const boss = await monitor(url, ['/', HERE]);
  const extension = await tavern(url, extensionId);
  const other = await connectClient(url, { clientId: otherId, namespaces: ['/', HERE] });
  const has = (status) => (data) =>
    data.clients.some((each) => each.identity === clientId && each.status === status);
  const guest = await connectClient(url, { clientId });
  const heard = [];
  for (const [peer, namespace] of [
    [boss, '/'],
    [boss, HERE],
    [extension, HERE],
  ]) {
    const data = await peer
      .tap(namespace)
      .first('UPDATE_CONNECTED_CLIENTS', has('online'));
    heard.push(names(data));
  }
  const full = await extension
    .tap(HERE)
    .first('CONNECTED_CLIENTS_UPDATE', has('online'));
  await guest.cut();
  await boss.tap('/').first('UPDATE_CONNECTED_CLIENTS', has('away'));
  await guest.restore();
  const back = boss.tap('/').all('UPDATE_CONNECTED_CLIENTS', has('online')).length;
  await boss.tap('/').first('UPDATE_CONNECTED_CLIENTS', has('online'), back);
  const before = boss.tap('/').all('UPDATE_CONNECTED_CLIENTS').length;
  await guest.leave();
  const without = (data) => !names(data).includes(clientId);
  await boss
    .tap('/')
    .until('the list without the guest', () =>
      boss.tap('/').all('UPDATE_CONNECTED_CLIENTS').slice(before).find(without),
    );
  return {
    heard,
    full: names(full),
    others: full.nonSillyTavernClients.map(({ identity }) => identity),
    overheard: ['/', HERE].map(
      (namespace) => other.tap(namespace).all('UPDATE_CONNECTED_CLIENTS').length,
    ),
    keys: JSON.stringify(full).includes('tap_'),
  };
}

/** A monitor and a SillyTavern each make a key for a client nobody knew. */
async function generate({ url, extensionId, strangers }) {
  const boss = await monitor(url);
  const extension = await tavern(url, extensionId);
  const answers = [];
  for (const [peer, clientId] of [
    [boss, strangers[0]],
    [extension, strangers[1]],
  ]) {
    const before = await knock(url, { clientId });
    const ack = await peer.ask(HERE, 'GENERATE_CLIENT_KEY', { targetClientId: clientId });
    const after = await knock(url, { clientId, key: ack.key });
    answers.push({ before, ack, after });
  }
  return answers;
}

/** Who asks for what is not theirs. */
async function refusals({ url, extensionId, clientId }) {
  const boss = await monitor(url);
  const extension = await tavern(url, extensionId);
  const guest = await connectClient(url, { clientId, namespaces: [HERE] });
  const asked = [];
  for (const peer of [boss, extension]) {
    for (const targetClientId of ['monitor', extensionId, 'SillyTavern-new', 'server']) {
      for (const event of ['GENERATE_CLIENT_KEY', 'REMOVE_CLIENT_KEY']) {
        asked.push((await peer.ask(HERE, event, { targetClientId })).code);
      }
    }
  }
  const byGuest = [];
  for (const event of KEY_EVENTS) {
    byGuest.push((await guest.ask(HERE, event, { targetClientId: clientId })).code);
  }
  const malformed = [];
  for (const targetClientId of [undefined, '', 7, 'a\nb']) {
    const ack = await boss.ask(HERE, 'GENERATE_CLIENT_KEY', { targetClientId });
    malformed.push(ack.code);
  }
  return { asked, byGuest, malformed };
}

/** An identity's name can not become a client's. */
async function takenName({ url, clientId, identity }) {
  await connectClient(url, { clientId, identity });
  const boss = await monitor(url);
  return boss.ask(HERE, 'GENERATE_CLIENT_KEY', { targetClientId: identity });
}

/** One key, then all; the sockets that used them are closed. */
async function remove({ url, clientId, unknownId }) {
  const boss = await monitor(url);
  const say = (fields) =>
    boss.ask(HERE, 'REMOVE_CLIENT_KEY', { targetClientId: clientId, ...fields });
  const first = await connectClient(url, { clientId });
  const second = await connectClient(url, { clientId });
  const keyId = first.auth.key.split('_')[1];
  const one = await say({ keyId });
  await first.tap('/llm').first('disconnect');
  const still = await second.barrier();
  const again = await say({ keyId });
  // The connection was given that key: it must not open anything any more.
  first.auth.key = 'getKey';
  await first.join('/rooms');
  const rejoined = await first.ask('/rooms', 'GET_CLIENTS_IN_ROOM', clientId);
  const all = await say({});
  await second.tap('/llm').first('disconnect');
  return {
    keyId,
    one,
    still,
    again,
    rejoined,
    all,
    none: await say({}),
    whole: await say({ keyId: second.auth.key }),
    unknown: await boss.ask(HERE, 'REMOVE_CLIENT_KEY', unknownId),
    refused: await knock(url, { clientId, key: second.auth.key }),
  };
}

/** The keys of all, as a monitor and as a SillyTavern see them. */
async function allKeys({ url, extensionId, clientId }) {
  const boss = await monitor(url);
  const extension = await tavern(url, extensionId);
  const guest = await connectClient(url, { clientId });
  const before = await boss.ask(HERE, 'GET_ALL_CLIENT_KEYS', {});
  const now = Date.now();
  await knock(url, { clientId, key: guest.auth.key });
  const after = await boss.ask(HERE, 'GET_ALL_CLIENT_KEYS', {});
  return {
    now,
    before,
    after,
    bySillyTavern: await extension.ask(HERE, 'GET_ALL_CLIENT_KEYS', {}),
    keyId: guest.auth.key.split('_')[1],
  };
}

/** What a SillyTavern may where the operator keeps the keys. */
async function keptKeys({ url, extensionId, clientId }) {
  const extension = await tavern(url, extensionId);
  const codes = [];
  for (const event of KEY_EVENTS) {
    codes.push((await extension.ask(HERE, event, { targetClientId: clientId })).code);
  }
  return codes;
}

play({ list, told, generate, refusals, takenName, remove, allKeys, keptKeys });
