// Messages between people, events of one's own, and the rules that send them elsewhere.

import { renameSync, unlinkSync, writeFileSync } from 'node:fs';

import { connectClient, ended, fakeExtension, heard, play, tell } from './tavern.mjs';
import { guestOf, guestsOf, monitorOf, roomOf } from './people.mjs';

const say = (peer, fields) => peer.ask('/llm', 'message', fields);

const spoken = (peer) => peer.tap().all('message', ({ said }) => said !== undefined);

const recordedFor = (peer) =>
  peer
    .tap()
    .all('NEW_MESSAGE')
    .map(({ message }) => message)
    .filter(({ isSystem }) => !isSystem);

/** Words to an identity, a client, a room, the server and nobody. */
async function people({ url, clientIds, room }) {
  const [ann, bob, carl] = await guestsOf(url, clientIds);
  const [annId, bobId, carlId] = clientIds;
  const tab = await guestOf(url, bobId, { identity: `${bobId}-tab` });
  await roomOf(ann, room, { [bobId]: 'guest' });
  const forged = { source: carlId, clientId: carlId };
  const acks = {
    identity: await say(ann, { data: 'hi', target: `${bobId}-tab`, said: 1, ...forged }),
    client: await say(ann, { message: 'hello', target: bobId, said: 2 }),
    room: await say(ann, { data: 'all', targetRoom: room, said: 3, mood: 'merry' }),
    server: await say(ann, { data: 'psst', target: 'server', said: 4 }),
    nowhere: await say(ann, { data: 'psst', said: 5 }),
    bare: await say(ann, 'psst'),
    oneself: await say(ann, { data: 'me', target: annId, said: 6 }),
    halves: await say(ann, { data: 'a\ud800b', targetRoom: room, said: 7 }),
    both: await say(ann, { data: 'two', target: carlId, targetRoom: room, said: 8 }),
  };
  const refused = {
    unknown: await say(ann, { data: 'x', target: 'nobody' }),
    nobodysRoom: await say(ann, { data: 'x', targetRoom: `${room}-not` }),
    stranger: await say(carl, { data: 'x', targetRoom: room }),
    all: await say(carl, { data: 'x', target: 'all' }),
    number: await say(ann, { data: 'x', target: 7 }),
    answer: await say(ann, { type: 0, requestId: 'r1', data: 'x' }),
    long: await say(ann, { data: 'x'.repeat(256 * 1024 + 1), target: bobId }),
    longObject: await say(ann, {
      message: { text: 'x'.repeat(256 * 1024) },
      target: bobId,
    }),
  };
  await Promise.all([ann, bob, carl, tab].map((peer) => peer.barrier()));
  return {
    acks,
    refused,
    ann: spoken(ann),
    bob: spoken(bob),
    tab: spoken(tab),
    carl: spoken(carl),
    recorded: { ann: recordedFor(ann), bob: recordedFor(bob), carl: recordedFor(carl) },
  };
}

/** A SillyTavern and a client talk; only a monitor speaks to all. */
async function everybody({ url, clientIds, extension }) {
  const [ann, bob] = await guestsOf(url, clientIds);
  const monitor = await monitorOf(url);
  const tavern = await fakeExtension(url, { clientId: extension });
  const acks = {
    tavern: await say(tavern, { data: 'open', target: clientIds[0], said: 1 }),
    toTavern: await say(ann, { data: 'when?', target: extension, said: 2 }),
    all: await say(monitor, { data: 'closing', target: 'all', said: 3 }),
    bell: await monitor.ask('/llm', 'bell', { target: 'all', said: 4 }),
    bellByGuest: await ann.ask('/llm', 'bell', { target: 'all' }),
  };
  const everyone = [ann, bob, tavern, monitor];
  await Promise.all(everyone.map((peer) => peer.barrier()));
  const numbers = (peer) =>
    [...spoken(peer), ...peer.tap().all('bell')].map(({ said }) => said);
  return { acks, heard: everyone.map(numbers) };
}

/** Events that the protocol does not have. */
async function events({ url, clientIds, room, extension }) {
  const [ann, bob, carl] = await guestsOf(url, clientIds);
  const [annId, bobId, carlId] = clientIds;
  const tab = await guestOf(url, carlId, { identity: `${carlId}-tab` });
  const tavern = await fakeExtension(url, { clientId: extension });
  await roomOf(ann, room, { [bobId]: 'guest', [extension]: 'guest' });
  bob.llm.on('dice:roll', (data, ack) => ack(data.sides, { thrown: 4 }));
  ann.llm.on('chat.opened', (data, ack) => ack?.({ status: 'seen', by: annId }));
  const answers = await new Promise((resolve) => {
    ann.llm.emit('dice:roll', { target: bobId, sides: 6, source: 'forged' }, (...args) =>
      resolve(args),
    );
  });
  const acks = {
    fromTavern: await tavern.ask('/sillytavern', 'chat.opened', { target: annId, n: 1 }),
    room: await ann.ask('/llm', 'round-of-ale', { targetRoom: room, n: 2 }),
    roomFromTavern: await tavern.ask('/sillytavern', 'last-call', {
      targetRoom: room,
      n: 3,
    }),
    server: await ann.ask('/llm', 'wave', { target: 'server', n: 5 }),
    longestName: await ann.ask('/llm', 'w'.repeat(64), { targetRoom: room }),
  };
  const emit = (event, data, namespace = '/llm') => ann.ask(namespace, event, data);
  const refused = {
    nobody: await emit('wave', { n: 6 }),
    nothing: await emit('wave'),
    text: await emit('wave', 'hello'),
    unknown: await emit('wave', { target: 'nobody' }),
    stranger: await carl.ask('/llm', 'wave', { targetRoom: room }),
    longName: await emit('w'.repeat(65), { target: bobId }),
    digit: await emit('1wave', { target: bobId }),
    space: await emit('a wave', { target: bobId }),
    protocol: await emit('CREATE_ROOM', { target: bobId, roomName: 'x' }),
    elsewhere: await emit('wave', { target: bobId }, '/rooms'),
    longText: await emit('wave', { target: bobId, data: 'x'.repeat(256 * 1024 + 1) }),
  };
  await Promise.all([ann, bob, carl, tab].map((peer) => peer.barrier()));
  return {
    answers,
    dice: bob.tap().all('dice:roll'),
    acks,
    refused,
    ann: ann.tap().all('chat.opened'),
    bob: bob.tap().all('round-of-ale'),
    tavern: tavern.tap().all('round-of-ale'),
    own: ann.tap().all('round-of-ale').length,
    bobLastCall: bob.tap('/llm').all('last-call').length,
    carl: carl.tap().events.filter(({ event }) => event === 'round-of-ale').length,
    recorded: recordedFor(bob).length,
  };
}

/** Callees that do not answer, that leave, and that are several. */
async function unanswered({ url, clientIds }) {
  const [ann, bob, carl] = await guestsOf(url, clientIds);
  const [, bobId, carlId] = clientIds;
  await connectClient(url, { clientId: carlId, identity: `${carlId}-tab` });
  const silent = await ann.ask('/llm', 'wave', { target: bobId });
  const asked = ann.ask('/llm', 'wave', { target: bobId });
  await bob.tap().first('wave', {}, 2);
  await bob.leave();
  carl.llm.on('wave', (data, ack) => ack('hello'));
  const gone = await asked;
  return { silent, gone, carl: await ann.ask('/llm', 'wave', { target: carlId }) };
}

/** No events but the protocol's. */
async function switchedOff({ url, clientIds }) {
  const [ann, bob] = await guestsOf(url, clientIds);
  const ack = await ann.ask('/llm', 'wave', { target: clientIds[1] });
  const message = await say(ann, { data: 'hi', target: clientIds[1] });
  await bob.barrier();
  return { ack, message, waves: bob.tap().all('wave').length };
}

// -- routing rules

let books = 0;

function write(path, text) {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** Write rules and come back when they count: then a probe of theirs is dropped. */
async function enforce(path, peer, rules) {
  const probe = `probe-${(books += 1)}`;
  write(path, JSON.stringify([...rules, { match: { event: probe }, action: 'drop' }]));
  await untilDropped(peer, probe);
}

async function untilDropped(peer, probe, dropped = true) {
  const target = 'server';
  let ack;
  do {
    ack = await peer.ask('/llm', probe, { target });
  } while ((ack.warning !== undefined) !== dropped);
}

/** Messages and events of one's own under rules. */
async function ruled({ url, routes, clientIds }) {
  const [ann, bob, scribe] = await guestsOf(url, clientIds);
  const [annId, bobId, scribeId] = clientIds;
  await roomOf(scribe, 'cellar');
  await roomOf(ann, 'lobby', { [bobId]: 'guest' });
  await enforce(routes, ann, [
    {
      match: { event: 'message', type: 'letter', source: annId },
      to: { identity: scribeId },
      action: 'copy',
    },
    { match: { type: 'note' }, to: { identity: 'nobody-here' }, action: 'copy' },
    { match: { event: 'nod' }, to: { identity: scribeId }, action: 'copy' },
    { match: { type: 'diary' }, to: { room: 'cellar' }, action: 'copy' },
    { match: { type: 'lost' }, to: { room: 'no-such-room' }, action: 'copy' },
    { match: { type: 'gossip' }, to: { room: 'cellar' }, action: 'deliver' },
    { match: { type: 'shout' }, to: { all: true }, action: 'deliver' },
    { match: { event: 'curse', clientType: 'web-app' }, action: 'drop' },
    {
      match: { event: 'wave', target: `${bobId}` },
      to: { identity: scribeId },
      action: 'deliver',
    },
    { match: { room: 'lobby', type: 'secret' }, action: 'drop' },
    { match: { event: 'message', type: 'letter' }, action: 'drop' },
  ]);
  bob.llm.on('nod', (data, ack) => ack?.('nods back'));
  scribe.llm.on('wave', (data, ack) => ack?.('from the scribe'));
  const to = (type, said) => ({ data: type, type, said, target: bobId });
  const acks = {
    copied: await say(ann, to('letter', 1)),
    delivered: await say(ann, to('gossip', 2)),
    shouted: await say(ann, to('shout', 3)),
    curse: await ann.ask('/llm', 'curse', { target: bobId, said: 4 }),
    wave: await ann.ask('/llm', 'wave', { target: bobId, said: 5 }),
    secret: await say(ann, { data: 'x', type: 'secret', targetRoom: 'lobby', said: 6 }),
    firstRuleOnly: await say(bob, { ...to('letter', 7), target: annId }),
    plain: await say(ann, to('plain', 8)),
    note: await say(ann, to('note', 10)),
    nod: await ann.ask('/llm', 'nod', { target: bobId, said: 11 }),
    diary: await say(ann, to('diary', 12)),
    lost: await say(ann, to('lost', 13)),
  };
  const everyone = [ann, bob, scribe];
  await Promise.all(everyone.map((peer) => peer.barrier()));
  const numbers = (peer) =>
    peer
      .tap()
      .events.filter(({ event }) => ['message', 'curse', 'wave', 'nod'].includes(event))
      .map(({ args }) => args[0].said)
      .filter((said) => said !== undefined);
  const result = {
    acks,
    heard: everyone.map(numbers),
    cellar: recordedFor(scribe).map(({ identity, data }) => [identity, data]),
    lobby: recordedFor(bob).length,
  };
  const last = `probe-${books}`;
  unlinkSync(routes);
  await untilDropped(ann, last, false);
  const free = await say(ann, to('gossip', 9));
  await bob.barrier();
  return { ...result, free, after: numbers(bob).at(-1) };
}

/** Answers under rules: whoever hears them as well, or instead, or not at all. */
async function ruledAnswers({ url, routes, clientIds, extension }) {
  const [ann, scribe, carl] = await guestsOf(url, clientIds);
  const [annId, scribeId] = clientIds;
  const behaviour = tell('Once ', 'more.');
  await fakeExtension(url, { clientId: extension, behaviour });
  await roomOf(scribe, 'cellar');
  await roomOf(ann, 'booth', {}, { mode: 'Separate' });
  const whole = { isStreaming: false };
  const toScribe = { identity: scribeId };
  const rounds = [
    ['none', undefined, {}],
    ['copy', { action: 'copy', to: toScribe }, {}],
    ['deliver', { action: 'deliver', to: { room: 'cellar' } }, {}],
    ['copyToAll', { action: 'copy', to: { all: true } }, {}],
    ['wholeToAll', { action: 'copy', to: { all: true } }, whole],
    ['separate', { action: 'copy', to: toScribe }, { targetRoom: 'booth' }],
    ['drop', { action: 'drop' }, {}],
  ];
  const rules = rounds
    .filter(([, rule]) => rule)
    .map(([type, rule]) => {
      return { match: { event: 'LLM_REQUEST', source: annId, type }, ...rule };
    });
  await enforce(routes, ann, rules);
  const result = {};
  for (const [requestId, , more] of rounds) {
    const type = requestId;
    const ack = await ann.order({ requestId, type, target: extension, ...more });
    if (ack.status === 'ok') await ended(ann, requestId, 0);
    if (requestId === 'deliver') await scribe.tap().first('streamed_end', { requestId });
    await Promise.all([ann, scribe, carl].map((peer) => peer.barrier()));
    const text = (peer) => heard(peer, requestId).text;
    const own = heard(ann, requestId);
    result[requestId] = {
      code: ack.code ?? null,
      texts: [ann, scribe, carl].map(text),
      whole: own.messages.map(({ data }) => data),
      terminal: own.terminal,
    };
  }
  return { rounds: result, cellar: recordedFor(scribe).length };
}

/** A bad file changes nothing, and the log says what is wrong with it. */
async function badRules({ url, routes, clientIds }) {
  const [ann, bob] = await guestsOf(url, clientIds);
  const monitor = await monitorOf(url, { namespaces: ['/llm', '/rooms', '/debug'] });
  const rule = { match: { event: 'curse' }, action: 'drop' };
  await enforce(routes, ann, [rule]);
  const bad = ['drop', 'burn'].map((action) => JSON.stringify({ match: {}, action }));
  write(routes, `[\n${bad.join(',\n')}\n]`);
  let line;
  while (line === undefined) {
    const { lines } = await monitor.ask('/debug', 'READ_LOG', {
      filename: 'warn.log',
      level: 'warn',
      page: 1,
      pageSize: 100,
    });
    line = lines.find((each) => JSON.stringify(each).includes('routes.json'));
  }
  const still = await ann.ask('/llm', 'curse', { target: clientIds[1] });
  const free = await say(ann, { data: 'hi', target: clientIds[1], said: 1 });
  await bob.barrier();
  return { line: JSON.stringify(line), still, free, heard: spoken(bob).length };
}

play({
  people,
  everybody,
  events,
  unanswered,
  switchedOff,
  ruled,
  ruledAnswers,
  badRules,
});
