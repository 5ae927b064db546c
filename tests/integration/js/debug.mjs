// For operators: debug mode, figures and logs.

import {
  Answer,
  connectClient,
  ended,
  fakeExtension,
  play,
  requestOf,
  tell,
} from './tavern.mjs';

const HERE = '/debug';

function monitor(url, auth = {}) {
  return connectClient(url, {
    clientId: 'monitor',
    clientType: 'monitor',
    namespaces: [HERE],
    ...auth,
  });
}

async function tavern(url, clientId, more = {}) {
  const extension = await fakeExtension(url, { clientId, ...more });
  await extension.join(HERE);
  return extension;
}

/** On and off, by a monitor and by a SillyTavern. */
async function toggle({ url, extensionId, clientId }) {
  const boss = await monitor(url);
  const extension = await tavern(url, extensionId);
  const guest = await connectClient(url, { clientId, namespaces: [HERE] });
  const acks = [];
  for (const peer of [boss, extension]) {
    acks.push(await peer.ask(HERE, 'TOGGLE_DEBUG_MODE'));
    acks.push((await peer.ask(HERE, 'SERVER_STATUS')).serverStatus.debugMode);
  }
  await guest.tap(HERE).first('DEBUG_MODE_CHANGED', { debugMode: false });
  return {
    acks,
    refused: (await guest.ask(HERE, 'TOGGLE_DEBUG_MODE')).code,
    heard: [boss, extension, guest].map((peer) =>
      peer.tap(HERE).all('DEBUG_MODE_CHANGED'),
    ),
  };
}

/** The figures, around a request that waits, one that runs and two that end. */
async function status({ url, extensionId, clientId }) {
  const boss = await monitor(url);
  const extension = await tavern(url, extensionId);
  const guest = await connectClient(url, { clientId, namespaces: ['/llm', HERE] });
  const figures = async () => (await boss.ask(HERE, 'SERVER_STATUS')).serverStatus;
  const before = await figures();
  for (const requestId of ['r1', 'r2']) await guest.order({ requestId });
  const during = await figures();
  tell('one', 'two', 'three')(new Answer(extension, await requestOf(extension, 1)));
  await ended(guest, 'r1');
  new Answer(extension, await requestOf(extension, 2)).start().write('four').fail('no');
  await ended(guest, 'r2');
  return {
    before,
    during,
    after: await figures(),
    byExtension: (await extension.ask(HERE, 'SERVER_STATUS')).status,
    byGuest: (await guest.ask(HERE, 'SERVER_STATUS')).code,
  };
}

/** Pages of a log. */
async function read({ url, asked, auth }) {
  const boss = await monitor(url, auth);
  const answers = [];
  for (const each of asked) answers.push(await boss.ask(HERE, 'READ_LOG', each));
  return { key: boss.auth.key, answers };
}

/** Who may not read. */
async function readers({ url, extensionId, clientId }) {
  const extension = await tavern(url, extensionId);
  const guest = await connectClient(url, { clientId, namespaces: [HERE] });
  const asked = { filename: 'combined.log', level: 'all', page: 1, pageSize: 10 };
  return [
    (await extension.ask(HERE, 'READ_LOG', asked)).code,
    (await guest.ask(HERE, 'READ_LOG', asked)).code,
  ];
}

/** Traffic full of what must not be logged; the keys that were given. */
async function secrets({ url, extensionId, clientId, secret, password }) {
  const boss = await connectClient(url, {
    clientId: 'monitor',
    clientType: 'monitor',
    namespaces: ['/clients', HERE],
  });
  const extension = await tavern(url, extensionId, {
    behaviour: (answer, { message }) => {
      if (message.includes('fail')) answer.start().write(secret).fail(secret);
      else tell(secret, secret)(answer);
    },
  });
  const guest = await connectClient(url, { clientId });
  await guest.order({ requestId: 'good', message: secret, data: { prompt: secret } });
  await ended(guest, 'good');
  await guest.order({ requestId: 'bad', message: `fail ${secret}` });
  await ended(guest, 'bad');
  await guest.ask('/llm', 'message', { data: secret, target: extensionId });
  await guest.ask('/llm', 'EDIT_MESSAGE', { roomName: clientId, updatedMessage: secret });
  await guest.join('/function_call');
  await guest.ask('/function_call', 'FUNCTION_CALL', {
    requestId: 'f1',
    functionName: 'readJsonFromFile',
    args: [secret],
    target: 'server',
  });
  await guest.ask('/auth', 'LOGIN', { clientId, password });
  const stranger = { targetClientId: 'stranger' };
  const made = await boss.ask('/clients', 'GENERATE_CLIENT_KEY', stranger);
  await boss.ask('/clients', 'GET_ALL_CLIENT_KEYS');
  await boss.ask('/clients', 'REMOVE_CLIENT_KEY', stranger);
  return [boss.auth.key, extension.auth.key, guest.auth.key, made.key];
}

play({ toggle, status, read, readers, secrets });
