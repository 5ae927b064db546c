// What SillyTaverns tell of themselves, after they have introduced themselves.

import { connectClient, ended, fakeExtension, Peer, play } from './tavern.mjs';

/** Characters and settings change; what clients are told of the SillyTavern then. */
async function described({ url, clientId, extension }) {
  const identify = { capacity: 2, model: 'small', characters: ['Ann'], current: 'Ann' };
  const tavern = await fakeExtension(url, { clientId: extension, identify });
  const client = await connectClient(url, { clientId, namespaces: ['/auth', '/llm'] });
  const look = async () => {
    const { details } = await client.ask('/auth', 'GET_SILLYTAVERN_EXTENSION');
    return details.find(({ identity }) => identity === extension);
  };
  const tell = (event, data) => tavern.ask('/sillytavern', event, data);
  const before = await look();
  const acks = [
    await tell('CHARACTERS_UPDATED', { characters: ['Ann', 'Bob'], current: 'Bob' }),
    await tell('CLIENT_SETTINGS', { model: 'large' }),
  ];
  const after = await look();
  await client.join('/sillytavern');
  const stranger = await client.ask('/sillytavern', 'CHARACTERS_UPDATED', {
    characters: [],
  });
  const malformed = await tell('CLIENT_SETTINGS', { capacity: 0 });
  return { before, acks, after, stranger, malformed };
}

/** Errors of all kinds, as the SillyTavern has them and the client hears of them. */
async function errors({ url, clientId, extension, codes }) {
  const waiting = [...codes];
  const behaviour = (answer, { requestId }) =>
    answer.extension.llm.emit('ERROR', {
      requestId,
      message: 'the LLM says no',
      code: waiting.shift(),
    });
  await fakeExtension(url, { clientId: extension, behaviour });
  const client = await connectClient(url, { clientId });
  const heard = [];
  for (const code of codes) {
    const requestId = `r${code}`;
    await client.order({ requestId, target: extension });
    heard.push((await ended(client, requestId, 0)).statuses.at(-1));
  }
  return heard;
}

/** A SillyTavern that has lost its key asks for another. */
async function forgetful({ url, extension }) {
  const auth = { clientId: extension, clientType: 'SillyTavern', key: 'getKey' };
  const hellos = [];
  for (const _ of ['first', 'second']) {
    const peer = new Peer(url, auth);
    await peer.join('/sillytavern');
    hellos.push(
      await peer.ask('/sillytavern', 'IDENTIFY_SILLYTAVERN', { clientId: extension }),
    );
    await peer.leave();
  }
  return hellos;
}

play({ described, errors, forgetful });
