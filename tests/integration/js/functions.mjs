// Functions: the server's, an operator's, and those of clients and extensions.

import { connectClient, Peer, play } from './tavern.mjs';

const SPACE = '/function_call';

/** Call a function; its ack. `more` may name a target. */
function call(peer, functionName, args = [], more = {}) {
  const fields = { requestId: `${functionName}-1`, functionName, args, ...more };
  return peer.ask(SPACE, 'FUNCTION_CALL', fields);
}

/** A client with a key that may call, and be called. */
function caller(url, auth) {
  return connectClient(url, { ...auth, namespaces: [SPACE] });
}

/** Answer the calls a peer gets; `answers` maps names of functions to answers. */
function answering(peer, answers) {
  const calls = [];
  peer.socketOf(SPACE).on('FUNCTION_CALL', (data, ack) => {
    calls.push(data);
    if (data.functionName in answers) ack(answers[data.functionName](data));
  });
  return calls;
}

/** Call a list of `[name, args]` one after the other. */
async function many({ url, auth, calls }) {
  const peer = await caller(url, auth);
  const answers = [];
  for (const [name, args] of calls) answers.push(await call(peer, name, args));
  return answers;
}

/** The same without a key. */
async function unverified({ url, auth, calls }) {
  const peer = new Peer(url, auth);
  await peer.join(SPACE);
  const answers = [];
  for (const [name, args, target] of calls) {
    answers.push(await call(peer, name, args, { target }));
  }
  return answers;
}

/** Save, and read at once: what was sent first is done first. */
async function saveThenRead({ url, auth, path }) {
  const peer = await caller(url, auth);
  const saves = [1, 2, 3].map((n) => call(peer, 'saveJsonToFile', [path, { n }]));
  const seen = call(peer, 'readJsonFromFile', [path]);
  return { saves: await Promise.all(saves), seen: await seen };
}

/** Two clients call each other, with every kind of answer. */
async function eachOther({ url, clientId, otherId }) {
  const one = await caller(url, { clientId });
  const other = await caller(url, { clientId: otherId, identity: `${otherId}#tab` });
  const calls = answering(other, {
    add: ({ args: [a, b] }) => a + b,
    keys: ({ args }) => Object.keys(args),
    wrapped: ({ requestId }) => ({ requestId, success: true, result: ['w'] }),
    failing: () => ({ success: false, error: { message: 'not today', code: 502 } }),
    nothing: () => undefined,
  });
  const target = otherId;
  const answers = {
    add: await call(one, 'add', [2, 3], { target, note: 'kept', source: 'forged' }),
    byIdentity: await call(one, 'add', [3, 4], { target: `${otherId}#tab` }),
    keys: await call(one, 'keys', { a: 1, b: 2 }, { target }),
    wrapped: await call(one, 'wrapped', [], { target }),
    failing: await call(one, 'failing', [], { target }),
    nothing: await call(one, 'nothing', [], { target }),
    unknown: await call(one, 'add', [1, 2], { target: 'nobody-here' }),
  };
  return { answers, first: calls[0] };
}

/** A callee that never answers, and one that leaves while it is called. */
async function silence({ url, clientId, otherId }) {
  const one = await caller(url, { clientId });
  const other = await caller(url, { clientId: otherId });
  answering(other, {});
  const target = otherId;
  const late = await call(one, 'ignored', [], { target });
  const started = performance.now();
  const lost = call(one, 'ignored', [], { target });
  const heard = other.tap(SPACE).first('FUNCTION_CALL', {}, 2);
  await heard;
  await other.cut();
  const answer = await lost;
  return { late, lost: answer, milliseconds: performance.now() - started };
}

/** The newest tab of a client is the one that is called. */
async function newest({ url, clientId, otherId }) {
  const one = await caller(url, { clientId });
  for (const tab of ['first', 'second']) {
    const peer = await caller(url, { clientId: otherId, identity: `${otherId}#${tab}` });
    answering(peer, { who: () => tab });
  }
  return call(one, 'who', [], { target: otherId });
}

/** A function of the operator's that calls back who called it. */
async function callBack({ url, auth, name, args }) {
  const peer = await caller(url, auth);
  const calls = answering(peer, { question: ({ args: [word] }) => `${word}!` });
  await peer.join('/llm');
  const answer = await call(peer, name, args);
  return { answer, calls, told: await peer.tap('/llm').first('ding') };
}

/** Call until the answer is as wanted. */
async function untilResult({ url, auth, name, wanted }) {
  const peer = await caller(url, auth);
  for (;;) {
    const answer = await call(peer, name);
    if (answer.result === wanted) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

await play({
  callBack,
  eachOther,
  many,
  newest,
  saveThenRead,
  silence,
  unverified,
  untilResult,
});
