// What operators do from the console: instances, trust, keys, settings, rules.

import {
  Answer,
  connectClient,
  ended,
  fakeExtension,
  play,
  Refused,
  requestOf,
  tell,
} from './tavern.mjs';

const HERE = '/debug';

const EVERYTHING = [
  ['DRAIN_EXTENSION', { identity: 'nobody', drain: true }],
  ['REMOVE_EXTENSION', { identity: 'nobody' }],
  ['TRUST_CLIENT', { clientId: 'nobody', trusted: true }],
  ['GET_KEYS'],
  ['MAKE_KEY', { clientId: 'nobody' }],
  ['REVOKE_KEY', { clientId: 'nobody' }],
  ['GET_SETTINGS'],
  ['GET_ROUTES'],
  ['TRY_ROUTE', { event: 'message', source: 'ann' }],
];

function monitor(url, auth = {}) {
  return connectClient(url, {
    clientId: 'monitor',
    clientType: 'monitor',
    namespaces: [HERE],
    ...auth,
  });
}

/** Whether somebody is let in, verified. */
async function knock(url, auth) {
  try {
    const peer = await connectClient(url, { namespaces: ['/llm'], ...auth });
    const { status } = await peer.barrier();
    await peer.leave();
    return status;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return error.refusal.data.code;
  }
}

/** One of two instances drains: it finishes, the other gets what is new. */
async function drain({ url, extensions, clientId }) {
  const [first, second] = extensions;
  const boss = await monitor(url);
  const one = await fakeExtension(url, { clientId: first });
  const guest = await connectClient(url, { clientId });
  const say = (on) => boss.ask(HERE, 'DRAIN_EXTENSION', { identity: first, drain: on });
  await guest.order({ requestId: 'running', target: first });
  await guest.order({ requestId: 'queued', target: first });
  const drained = await say(true);
  const alone = await guest.order({ requestId: 'alone' });
  const named = await guest.order({ requestId: 'named', target: first });
  const two = await fakeExtension(url, { clientId: second });
  await guest.order({ requestId: 'moved' });
  const { requestId } = await requestOf(two);
  tell('moved')(new Answer(two, { requestId }));
  for (const count of [1, 2]) tell('kept')(new Answer(one, await requestOf(one, count)));
  const answers = [];
  for (const id of ['running', 'queued', 'moved']) {
    answers.push((await ended(guest, id)).text);
  }
  await boss.join('/rooms');
  const { extensions: listed } = await boss.ask('/rooms', 'GET_CONNECTED_EXTENSIONS');
  const again = await say(false);
  const after = await guest.order({ requestId: 'after', target: first });
  const busy = await say(false);
  return {
    drained,
    refused: { alone, named },
    answers,
    listed,
    again,
    after: after.status,
    busy: busy.state,
    unknown: await boss.ask(HERE, 'DRAIN_EXTENSION', { identity: clientId, drain: true }),
    malformed: (await boss.ask(HERE, 'DRAIN_EXTENSION', { identity: first })).code,
  };
}

/** An instance is removed while it answers, another while it is away. */
async function remove({ url, extensions, clientId }) {
  const [first, second] = extensions;
  const boss = await monitor(url);
  const one = await fakeExtension(url, { clientId: first });
  const two = await fakeExtension(url, { clientId: second });
  const guest = await connectClient(url, { clientId });
  const say = (identity) => boss.ask(HERE, 'REMOVE_EXTENSION', identity);
  await guest.order({ requestId: 'r1', target: first });
  new Answer(one, await requestOf(one)).start().write('half');
  await guest.tap().first('streamed_data', { requestId: 'r1' });
  const removed = await say({ identity: first });
  for (const namespace of ['/llm', '/sillytavern']) {
    await one.tap(namespace).first('disconnect');
  }
  const lost = await ended(guest, 'r1');
  await guest.order({ requestId: 'r2', target: second });
  await two.cut();
  const away = await say(second);
  const gone = await ended(guest, 'r2', 0);
  return {
    removed,
    away,
    statuses: [lost, gone].map(({ statuses }) => statuses.at(-1)),
    unknown: (await say(clientId)).code,
    target: (await guest.order({ requestId: 'r3', target: second })).code,
  };
}

/** A stranger is trusted, comes, and is trusted no longer. */
async function trust({ url, clientId, filed }) {
  const boss = await monitor(url);
  const say = (name, trusted) =>
    boss.ask(HERE, 'TRUST_CLIENT', { clientId: name, trusted });
  const before = await knock(url, { clientId });
  const acks = [await say(clientId, true), await say(clientId, true)];
  const guest = await connectClient(url, { clientId });
  const unproven = { clientId, identity: 'unproven', key: null, namespaces: ['/auth'] };
  const unverified = await connectClient(url, unproven);
  acks.push(await say(clientId, false));
  await guest.tap('/llm').first('disconnect');
  const after = [
    await knock(url, { clientId }),
    await knock(url, { clientId, key: guest.auth.key }),
    (await unverified.ask('/auth', 'GET_CLIENT_KEY')).code,
  ];
  acks.push(await say(clientId, true));
  const again = await knock(url, { clientId, key: guest.auth.key });
  const byFile = await connectClient(url, { clientId: filed });
  acks.push(await say(filed, false));
  await byFile.tap('/llm').first('disconnect');
  const shut = await knock(url, { clientId: filed });
  acks.push(await say(filed, true));
  return {
    before,
    acks,
    after,
    again,
    shut,
    open: await knock(url, { clientId: filed }),
    unknown: (await say('never-heard-of', false)).code,
    // To read a log has all of it written: the test looks into it after a kill.
    logged: (await boss.ask(HERE, 'READ_LOG', {})).status,
  };
}

/** A key is made, used, listed and revoked. */
async function keys({ url, clientId, stranger }) {
  const boss = await monitor(url);
  const guest = await connectClient(url, { clientId });
  const made = await boss.ask(HERE, 'MAKE_KEY', { clientId: stranger });
  const unused = await boss.ask(HERE, 'GET_KEYS');
  const user = await connectClient(url, { clientId: stranger, key: made.key });
  const tavern = await boss.ask(HERE, 'MAKE_KEY', 'SillyTavern-afar');
  const own = await boss.ask(HERE, 'MAKE_KEY', { clientId: 'monitor', monitor: true });
  const used = await boss.ask(HERE, 'GET_KEYS');
  const say = (keyId) => boss.ask(HERE, 'REVOKE_KEY', { clientId: stranger, keyId });
  const revoked = await say(made.keyId);
  await user.tap('/llm').first('disconnect');
  return {
    guestKey: guest.auth.key,
    made,
    tavern,
    own,
    unused,
    used,
    revoked,
    again: await say(made.keyId),
    whole: (await say(made.key)).code,
    unknown: (await boss.ask(HERE, 'REVOKE_KEY', { clientId: 'nobody-at-all' })).code,
    refused: await knock(url, { clientId: stranger, key: made.key }),
  };
}

/** What even a monitor may not. */
async function limits({ url, other, clientId, identity, off }) {
  const boss = await monitor(url);
  await connectClient(url, { clientId, identity });
  const codes = {};
  const ask = async (event, fields) => {
    const { code, message } = await boss.ask(HERE, event, fields);
    return { code, message };
  };
  for (const name of [other, off, 'server', 'all', 'auto', 'monitor-room']) {
    codes[name] = [
      await ask('TRUST_CLIENT', { clientId: name, trusted: true }),
      await ask('TRUST_CLIENT', { clientId: name, trusted: false }),
      await ask('MAKE_KEY', { clientId: name }),
      await ask('REVOKE_KEY', { clientId: name }),
    ];
  }
  const malformed = [];
  for (const name of [undefined, '', 7, 'a\nb', 'x'.repeat(129)]) {
    malformed.push((await ask('TRUST_CLIENT', { clientId: name, trusted: true })).code);
    malformed.push((await ask('MAKE_KEY', { clientId: name })).code);
    malformed.push((await ask('REVOKE_KEY', { clientId: name })).code);
  }
  malformed.push((await ask('TRUST_CLIENT', { clientId })).code);
  return {
    codes,
    malformed,
    itself: await ask('TRUST_CLIENT', { clientId: 'monitor', trusted: false }),
    newMonitor: await ask('MAKE_KEY', { clientId: 'boss-2', monitor: true }),
    oldClient: await ask('MAKE_KEY', { clientId, monitor: true }),
    identity: await ask('TRUST_CLIENT', { clientId: identity, trusted: true }),
    room: await ask('MAKE_KEY', { clientId: identity }),
    still: await knock(url, { clientId: 'boss-2', key: 'getKey' }),
  };
}

/** Who is no monitor: each event's code. */
async function others({ url, extensionId, clientId }) {
  const extension = await fakeExtension(url, { clientId: extensionId });
  await extension.join(HERE);
  const guest = await connectClient(url, { clientId, namespaces: [HERE] });
  const codes = [];
  for (const peer of [extension, guest]) {
    for (const [event, fields] of EVERYTHING) {
      codes.push((await peer.ask(HERE, event, fields)).code);
    }
  }
  return codes;
}

/** What is in force, and what rules would do. */
async function inspect({ url, mode, tried }) {
  const boss = await monitor(url);
  const { settings } = await boss.ask(HERE, 'GET_SETTINGS');
  await boss.join('/rooms');
  await boss.ask('/rooms', 'SET_MESSAGE_REQUEST_MODE', mode);
  const changed = await boss.ask(HERE, 'GET_SETTINGS');
  const verdicts = [];
  for (const traffic of tried) verdicts.push(await boss.ask(HERE, 'TRY_ROUTE', traffic));
  return {
    settings,
    changed: changed.settings.filter(({ changeable }) => changeable),
    routes: await boss.ask(HERE, 'GET_ROUTES'),
    verdicts,
    malformed: (await boss.ask(HERE, 'TRY_ROUTE', { event: 7 })).code,
  };
}

/** Lines of the log that hold a text. */
async function search({ url, asked }) {
  const boss = await monitor(url);
  const answers = [];
  for (const each of asked) answers.push(await boss.ask(HERE, 'READ_LOG', each));
  return answers;
}

play({ drain, remove, trust, keys, limits, others, inspect, search });
