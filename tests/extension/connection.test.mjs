// Coming in, being refused, being lost, and who holds the identity.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { Connection, STATE } from '../../extension/connection.js';
import { Network } from './fake_sockets.mjs';

const HELD = { status: 'error', code: 4, message: 'another live connection holds it' };

const settled = () => new Promise((resolve) => setImmediate(resolve));

function tavern({ key = 'getKey', password = '' } = {}) {
  const network = new Network();
  const clientId = 'SillyTavern-8000';
  const us = { clientId, instance: 'aa', page: '01', key, password, desc: '' };
  const seen = { kept: [], forgotten: 0, renamed: 0, events: [] };
  const connection = new Connection({
    manager: network.manager,
    address: () => ({ url: 'http://127.0.0.1:4000', path: '/socket.io' }),
    identity: () => ({ ...us }),
    card: () => ({ capacity: 1, running: ['r1'] }),
    keepKey: (given) => seen.kept.push(given),
    forgetKey: () => {
      seen.forgotten += 1;
      us.key = key === 'typed' ? 'typed' : 'getKey';
    },
    rename: () => {
      seen.renamed += 1;
      us.clientId = 'SillyTavern-8000-aa';
    },
  });
  for (const name of ['online', 'elsewhere', 'takenOver']) {
    connection.addEventListener(name, () => seen.events.push(name));
  }
  return { network, connection, seen, sockets: () => network.sockets };
}

test('it introduces itself before it takes orders, with the key it is given', async () => {
  const { connection, network, seen, sockets } = tavern();
  connection.connect();
  await settled();

  assert.equal(connection.state, STATE.ONLINE);
  assert.ok(connection.open);
  assert.deepEqual(sockets()['/sillytavern'].of('IDENTIFY_SILLYTAVERN'), [
    {
      capacity: 1,
      running: ['r1'],
      clientId: 'SillyTavern-8000',
      instance: 'aa.01',
      takeOver: false,
    },
  ]);
  assert.equal(sockets()['/llm'].showAuth().key, 'tap_1_new');
  assert.equal(sockets()['/llm'].showAuth().clientType, 'SillyTavern');
  assert.deepEqual(seen.kept, ['tap_1_new']);
  assert.deepEqual(network.patience, { attempts: 7, delay: 300 });
  assert.equal(await connection.queued(), 3);
});

test('after a loss it comes back by the same door and says so', async () => {
  const { connection, network, seen, sockets } = tavern();
  connection.connect();
  await settled();
  network.fail();

  assert.equal(connection.state, STATE.LOST);
  assert.ok(!sockets()['/llm'].wanted);
  sockets()['/sillytavern'].connect(); // as the library does by itself
  await settled();
  assert.equal(connection.state, STATE.ONLINE);
  assert.deepEqual(seen.events, ['online', 'online']);
});

test('a key that the broker knows no more is asked for anew, once', async () => {
  const { connection, network, seen } = tavern({ key: 'tap_1_old' });
  const shown = [];
  network.refusal = ({ key }) => {
    shown.push(key);
    return key === 'tap_1_old' ? { code: 5, message: 'the key does not match' } : null;
  };
  mock.timers.enable({ apis: ['setTimeout'] });
  connection.connect();
  await settled();
  mock.timers.tick(0);
  await settled();
  mock.timers.reset();

  assert.equal(seen.forgotten, 1);
  assert.equal(connection.state, STATE.ONLINE);
  assert.equal(shown.filter((key) => key === 'tap_1_old').length, 1);
});

test('a typed key that is wrong is not tried again', async () => {
  const { connection, network } = tavern({ key: 'typed' });
  let tries = 0;
  network.refusal = () => {
    tries += 1;
    return { code: 5, message: 'the key does not match' };
  };
  mock.timers.enable({ apis: ['setTimeout'] });
  connection.connect();
  await settled();
  mock.timers.tick(600_000);
  await settled();
  mock.timers.reset();

  assert.equal(tries, 1);
  assert.equal(connection.state, STATE.REFUSED);
  assert.equal(connection.reason, 'the key does not match');
});

test('a broker that changes its mind lets it in without a click', async () => {
  const { connection, network } = tavern();
  network.refusal = () => ({ code: 6, message: 'not trusted here' });
  mock.timers.enable({ apis: ['setTimeout'] });
  connection.connect();
  await settled();
  const refused = connection.state;
  network.refusal = null;
  mock.timers.tick(10_000);
  await settled();
  mock.timers.reset();

  assert.equal(refused, STATE.REFUSED);
  assert.equal(connection.state, STATE.ONLINE);
});

test('a second tab waits, takes no orders, and takes over when asked to', async () => {
  const { connection, network, seen, sockets } = tavern();
  network.answers.IDENTIFY_SILLYTAVERN = ({ takeOver }) =>
    takeOver ? { status: 'ok', key: 'k' } : { ...HELD, held: { instance: 'aa.02' } };
  mock.timers.enable({ apis: ['setTimeout'] });
  connection.connect();
  for (let tries = 0; tries < 3; tries += 1) {
    await settled();
    mock.timers.tick(1_000);
  }
  await settled();
  mock.timers.reset();

  assert.equal(connection.state, STATE.ELSEWHERE);
  assert.deepEqual(seen.events, ['elsewhere']);
  assert.ok(!sockets()['/llm'].wanted);
  connection.takeOver();
  await settled();
  assert.equal(connection.state, STATE.ONLINE);
});

test('a connection of its own that has died is pushed aside', async () => {
  const { connection, network, seen } = tavern();
  network.answers.IDENTIFY_SILLYTAVERN = ({ takeOver }) =>
    takeOver ? { status: 'ok', key: 'k' } : { ...HELD, held: { instance: 'aa.01' } };
  connection.connect();
  await settled();

  assert.equal(connection.state, STATE.ONLINE);
  assert.deepEqual(seen.events, ['online']);
});

test('another SillyTavern of the same name makes it take a suffix', async () => {
  const { connection, network, seen } = tavern();
  network.answers.IDENTIFY_SILLYTAVERN = ({ clientId }) =>
    clientId === 'SillyTavern-8000'
      ? { ...HELD, held: { instance: 'bb.01' } }
      : { status: 'ok', key: 'k' };
  connection.connect();
  await settled();

  assert.equal(seen.renamed, 1);
  assert.equal(connection.clientId, 'SillyTavern-8000-aa');
  assert.equal(connection.state, STATE.ONLINE);
});

test('whose identity is taken over is told so and leaves', async () => {
  const { connection, seen, sockets } = tavern();
  connection.connect();
  await settled();
  const door = sockets()['/sillytavern'];
  door.hear('ERROR', { type: 'ERROR', code: 11, message: 'another connection took over' });
  door.close('io server disconnect');

  assert.equal(connection.state, STATE.ELSEWHERE);
  assert.deepEqual(seen.events, ['online', 'takenOver']);
  assert.ok(!connection.open);
  connection.disconnect();
});

test('who disconnects says goodbye and stays away', async () => {
  const { connection, sockets } = tavern();
  connection.connect();
  await settled();
  const { '/llm': llm } = sockets();
  connection.disconnect();

  assert.deepEqual(llm.said.at(-1), ['CLIENT_DISCONNECTED']);
  assert.equal(connection.state, STATE.OFF);
});

test('where there is a password it is said first, and once if it is wrong', async () => {
  for (const right of [true, false]) {
    const { connection, network, sockets } = tavern({ password: 'hops' });
    network.answers.LOGIN = right
      ? { status: 'ok', key: 'tap_1_pw' }
      : { status: 'error', code: 5, message: 'the password is wrong' };
    network.answers.IDENTIFY_SILLYTAVERN = { status: 'ok' };
    connection.connect();
    await settled();

    const login = { clientId: 'SillyTavern-8000', password: 'hops' };
    assert.deepEqual(sockets()['/auth'].of('LOGIN'), [login]);
    assert.equal(connection.state, right ? STATE.ONLINE : STATE.REFUSED);
    assert.equal(sockets()['/llm'].showAuth().key, right ? 'tap_1_pw' : 'getKey');
  }
});

test('without a key, and without leave to ask for one, it does not connect', () => {
  const { connection } = tavern({ key: '' });
  connection.connect();

  assert.equal(connection.state, STATE.REFUSED);
});

/** A broker that has been told to stop, and says so before it closes. */
function stops({ network, sockets }, retryAfter) {
  const warning = { type: 'WARNING', code: 9, message: 'the broker stops', retryAfter };
  sockets()['/sillytavern'].hear('WARNING', warning);
  network.fail();
}

const at = (now) => mock.timers.enable({ apis: ['setTimeout', 'Date'], now });

test('a broker that stops is left alone for as long as it asks', async () => {
  const { connection, network, sockets } = tavern();
  at(1_000_000);
  connection.connect();
  await settled();
  const before = network.knocks;
  stops({ network, sockets }, 3.4);
  const told = { state: connection.state, backAt: connection.backAt.getTime() };
  const { reconnects } = network;
  mock.timers.tick(3_399);
  await settled();
  const early = network.knocks - before;
  mock.timers.tick(1);
  const trying = connection.state;
  await settled();
  mock.timers.reset();

  assert.deepEqual(told, { state: STATE.AWAY, backAt: 1_003_400 });
  assert.equal(reconnects, false);
  assert.equal(early, 0);
  assert.equal(trying, STATE.LOST);
  assert.equal(connection.state, STATE.ONLINE);
  assert.equal(network.reconnects, true);
});

test('a click does not wait, and what was waited for does not come after it', async () => {
  const { connection, network, sockets } = tavern();
  at(0);
  connection.connect();
  await settled();
  stops({ network, sockets }, 30);
  connection.connect();
  await settled();
  const clicked = connection.state;
  const { knocks } = network;
  mock.timers.tick(30_000);
  await settled();
  mock.timers.reset();

  assert.equal(clicked, STATE.ONLINE);
  assert.equal(network.knocks, knocks);
});

test('who leaves while it waits does not come back', async () => {
  const { connection, network, sockets } = tavern();
  at(0);
  connection.connect();
  await settled();
  stops({ network, sockets }, 30);
  connection.disconnect();
  const { knocks } = network;
  mock.timers.tick(30_000);
  await settled();
  mock.timers.reset();

  assert.equal(connection.state, STATE.OFF);
  assert.equal(network.knocks, knocks);
});

test('who comes while the broker stops waits as it is told, and as often', async () => {
  const { connection, network } = tavern();
  network.shut = JSON.stringify({ status: 'error', code: 9, retryAfter: 2 });
  at(0);
  connection.connect();
  await settled();
  const seen = [connection.state];
  connection.addEventListener('change', () => seen.push(connection.state));
  mock.timers.tick(2_000);
  await settled();
  network.shut = null;
  mock.timers.tick(2_000);
  await settled();
  mock.timers.reset();

  const { AWAY, CONNECTING, ONLINE } = STATE;
  assert.deepEqual(seen, [AWAY, CONNECTING, AWAY, CONNECTING, ONLINE]);
});

test('an answer that is not from a broker asks for nothing', async () => {
  for (const shut of ['', '<html>502 Bad Gateway</html>', 'null', '{"retryAfter":"5"}']) {
    const { connection, network } = tavern();
    network.shut = shut;
    connection.connect();
    await settled();

    assert.equal(connection.state, STATE.CONNECTING, shut);
    assert.equal(connection.reason, 'xhr poll error');
    assert.equal(network.reconnects, true);
  }
});

test('a tab that waits for another leaves the broker alone as well', async () => {
  const { connection, network, sockets } = tavern();
  at(0);
  connection.connect();
  await settled();
  const another = { type: 'ERROR', code: 11, message: 'another connection took over' };
  sockets()['/sillytavern'].hear('ERROR', another);
  stops({ network, sockets }, 5);
  const { knocks } = network;
  mock.timers.tick(4_999);
  const early = network.knocks;
  mock.timers.tick(1);
  mock.timers.reset();

  assert.equal(connection.state, STATE.ELSEWHERE);
  assert.equal(early, knocks);
  assert.equal(network.knocks, knocks + 1);
  connection.disconnect();
});
