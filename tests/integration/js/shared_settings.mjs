// Settings that several SillyTaverns have in common.

import { connectClient, fakeExtension, play } from './tavern.mjs';

function save(peer, version, value, name = 'theme') {
  return peer.ask('/sillytavern', 'SAVE_SHARED_SETTINGS', { name, value, version });
}

function get(peer, data) {
  return peer.ask('/sillytavern', 'GET_SHARED_SETTINGS', data);
}

function updates(peer) {
  return peer.tap('/sillytavern').all('SHARED_SETTINGS_UPDATED');
}

/** Two instances, a monitor and a client; the last writer wins. */
async function share({ url, one, other, monitor, clientId }) {
  const first = await fakeExtension(url, { clientId: one });
  const second = await fakeExtension(url, { clientId: other });
  const namespaces = ['/sillytavern'];
  const watcher = await connectClient(url, { namespaces, ...monitor });
  const client = await connectClient(url, { namespaces, clientId });
  const acks = {
    saved: await save(first, 1, { dark: true }),
    conflict: await save(second, 1, { dark: false }),
    later: await save(second, 5, { dark: false }),
    stale: await save(first, 2, 'late'),
    got: await get(first, { name: 'theme' }),
    bare: await get(second, 'theme'),
    monitor: await save(watcher, 6, null),
    unknown: await get(first, { name: 'nothing' }),
    tooLong: await save(first, 9, 'x'.repeat(256 * 1024)),
    noVersion: await save(first, undefined, 1),
    clientSaves: await save(client, 9, 1),
    clientReads: await get(client, 'theme'),
  };
  await first.tap('/sillytavern').first('SHARED_SETTINGS_UPDATED', {}, 2);
  await second.tap('/sillytavern').first('SHARED_SETTINGS_UPDATED', {}, 2);
  const heard = { first: updates(first), second: updates(second) };
  return { acks, ...heard, watcher: updates(watcher), client: updates(client) };
}

/** Save and go. */
async function keep({ url, clientId, value }) {
  return save(await fakeExtension(url, { clientId }), 3, value);
}

/** Come and read, and try the same version again. */
async function find({ url, clientId }) {
  const tavern = await fakeExtension(url, { clientId });
  return { got: await get(tavern, 'theme'), again: await save(tavern, 3, 'new') };
}

play({ share, keep, find });
