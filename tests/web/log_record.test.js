// Lines of the log.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fileOf, fits, readRecord, Tail } from '../../web/views/log_record.js';

function line(message, more = {}) {
  return { time: '2026-11-21 06:48:33', level: 'info', service: 'broker', message, ...more };
}

function messages(lines) {
  return lines.map(({ message }) => message);
}

test('a record is read with its event and its fields', () => {
  const text =
    '2026-11-21 06:48:33 [info] [broker.gateway.doorman] [CLIENT_KEY_GENERATED]: a key was made for newbie\n' +
    '{"clientId":"newbie","keyId":"55a08a6f6f5d"}';

  assert.deepEqual(readRecord(text), {
    time: '2026-11-21 06:48:33',
    level: 'info',
    service: 'broker.gateway.doorman',
    event: 'CLIENT_KEY_GENERATED',
    message: 'a key was made for newbie',
    fields: { clientId: 'newbie', keyId: '55a08a6f6f5d' },
  });
});

test('a record may have a code, and neither event nor fields', () => {
  const read = readRecord('2026-11-21 06:48:33 [warn] [actors.room] [51]: hm: [x]: y');

  assert.equal(read.code, 51);
  assert.equal(read.message, 'hm: [x]: y');
  assert.ok(!('event' in read) && !('fields' in read));
});

test('an empty message is a message', () => {
  assert.equal(readRecord('2026-11-21 06:48:33 [info] [x]: ').message, '');
});

test('what is no record is shown as it stands', () => {
  assert.equal(readRecord('{"half": ').message, '{"half": ');
  const broken = readRecord('2026-11-21 06:48:33 [info] [x]: a\n{"half": ');
  assert.deepEqual(broken.fields, { text: '{"half": ' });
});

test('a level means exactly that level', () => {
  assert.ok(fits(line('x', { level: 'warn' }), { level: 'warn' }));
  assert.ok(!fits(line('x', { level: 'error' }), { level: 'warn' }));
  assert.ok(fits(line('x', { level: 'debug' }), { level: 'all' }));
});

test('a search looks at message, event, service and fields, whatever the case', () => {
  const said = line('a Key was made', { event: 'CLIENT_ADDED', fields: { clientId: 'newbie' } });

  for (const search of ['key WAS', 'client_added', 'BROKER', 'Newbie', '  ']) {
    assert.ok(fits(said, { search }), search);
  }
  assert.ok(!fits(said, { search: 'nobody' }));
});

test('the log of one level is read where it reaches further back', () => {
  assert.equal(fileOf('all'), 'combined.log');
  assert.equal(fileOf('warn'), 'warn.log');
});

test('the tail takes only what is new, and forgets the oldest', () => {
  const tail = new Tail(3);
  const [one, two, three, four] = ['1', '2', '3', '4'].map((text) => line(text));

  assert.deepEqual(messages(tail.follow([one, two])), ['1', '2']);
  assert.deepEqual(messages(tail.follow([one, two, three])), ['3']);
  assert.deepEqual(messages(tail.follow([two, three, four])), ['4']);
  assert.deepEqual(messages(tail.lines), ['2', '3', '4']);
});

test('after a reconnection no line comes twice', () => {
  const tail = new Tail(10);
  tail.follow([line('1'), line('2', { fields: { a: 1 } })]);

  assert.deepEqual(messages(tail.follow([line('2', { fields: { a: 1 } }), line('3')])), ['3']);
});

test('while the tail is held, lines wait and are counted, and come when it goes on', () => {
  const tail = new Tail(3);
  const log = ['1', '2', '3'].map((text) => line(text));
  tail.follow(log.slice(0, 1));
  tail.hold();

  assert.deepEqual(tail.follow(log.slice(0, 2)), []);
  assert.deepEqual(tail.follow(log), []);
  assert.equal(tail.waiting, 2);
  assert.deepEqual(messages(tail.lines), ['1']);
  assert.deepEqual(messages(tail.release()), ['2', '3']);
  assert.deepEqual(messages(tail.lines), ['1', '2', '3']);
  assert.equal(tail.waiting, 0);
});
