// SillyTaverns at the door: IDENTIFY, LOGIN and trust on first use.

import { Answer, fakeExtension, Peer, play } from './tavern.mjs';

function silly(url, clientId, auth = {}) {
  return new Peer(url, { clientId, clientType: 'SillyTavern', key: 'getKey', ...auth });
}

function identify(peer, clientId = peer.auth.clientId) {
  return peer.ask('/sillytavern', 'IDENTIFY_SILLYTAVERN', { clientId });
}

/** The four answers of IDENTIFY_SILLYTAVERN, and a foreign clientId. */
async function statuses({ url, clientId, otherId }) {
  const first = silly(url, clientId);
  await first.join('/sillytavern');
  const foreign = await identify(first, otherId);
  const unknown = await identify(first);
  const verified = await identify(first);

  const rival = silly(url, clientId);
  await rival.join('/sillytavern');
  const held = await identify(rival);
  await rival.leave();
  await first.leave();

  const again = silly(url, clientId);
  await again.join('/sillytavern');
  const known = await identify(again);

  const withKey = silly(url, clientId, { key: known.key });
  await again.leave();
  await withKey.join('/sillytavern');
  return { foreign, unknown, verified, held, known, withKey: await identify(withKey) };
}

/** One key verifies every socket of the identity on its connection. */
async function oneKeyForAll({ url, clientId }) {
  const peer = silly(url, clientId);
  for (const namespace of ['/sillytavern', '/llm']) await peer.join(namespace);
  const before = await peer.ask('/llm', 'CANCEL_REQUEST', { requestId: 'nothing' });
  await identify(peer);
  const after = await peer.ask('/llm', 'CANCEL_REQUEST', { requestId: 'nothing' });
  await peer.join('/auth');
  const later = await peer.ask('/auth', 'GET_SILLYTAVERN_EXTENSION');
  return { before, after, later };
}

/** A SillyTavern whose settings file has a password. */
async function login({ url, clientId, password, otherId }) {
  const peer = silly(url, clientId);
  for (const namespace of ['/auth', '/sillytavern', '/llm']) await peer.join(namespace);
  const say = (fields) => peer.ask('/auth', 'LOGIN', fields);
  const locked = await identify(peer);
  const wrong = await say({ clientId, password: `${password}?` });
  const foreign = await say({ clientId: otherId, password });
  const early = peer.tap('/auth').all('GET_CLIENT_KEY');
  const right = await say({ clientId, password });
  const match = { success: true };
  const assigned = await peer.tap('/auth').first('CLIENT_KEY_ASSIGNED', match);
  const opened = silly(url, clientId, { key: right.key });
  await opened.join('/llm');
  return { locked, wrong, foreign, early, right, assigned };
}

/** An id that no file knows. */
async function firstUse({ url, clientId }) {
  const tavern = await fakeExtension(url, { clientId });
  const stranger = new Answer(tavern, { requestId: 'nobody-asked' });
  stranger.start().write('verified enough to be told so');
  return { hello: tavern.hello, warning: await tavern.tap().first('WARNING') };
}

play({ statuses, oneKeyForAll, login, firstUse });
