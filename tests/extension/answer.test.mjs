// One answer on its way to the broker.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Answer } from '../../extension/answer.js';
import { FakePort } from './fakes.mjs';

function begin() {
  const port = new FakePort();
  let ends = 0;
  const answer = new Answer('r1', port, () => (ends += 1));
  return { port, answer, ends: () => ends };
}

test('an answer is a stream of numbered chunks with a final end', () => {
  const { port, answer, ends } = begin();
  answer.write('One');
  answer.write(' ale.');
  answer.finish('One ale.');

  const { outputId } = port.said[0][1];
  const ids = { requestId: 'r1', streamId: outputId, outputId };
  assert.deepEqual(port.said, [
    ['CLIENT_STREAM_START', { type: 1, ...ids }],
    ['CLIENT_STREAM_DATA_FIRST', { type: 4, ...ids, chunkIndex: 0, data: 'One' }],
    ['CLIENT_STREAM_DATA_MIDDLE', { type: 5, ...ids, chunkIndex: 1, data: ' ale.' }],
    ['CLIENT_STREAM_END', { ...ids, type: 3, final: true }],
  ]);
  assert.equal(ends(), 0);
  port.acknowledge();
  assert.equal(ends(), 1);
});

test('several SillyTaverns that answer one request say it under ids of their own', () => {
  const ids = [begin(), begin()].map(({ port, answer }) => {
    answer.write('One');
    return port.said[0][1].outputId;
  });

  assert.notEqual(ids[0], ids[1]);
});

test('the end carries the final text only where it differs', () => {
  const { port, answer } = begin();
  answer.write('An ale. \n');
  answer.finish('An ale.');

  assert.equal(port.of('CLIENT_STREAM_END')[0].finalText, 'An ale.');
});

test('what the broker missed is said again, and all of it once', () => {
  const { port, answer, ends } = begin();
  answer.write('One');
  port.isOpen = false;
  answer.write(' ale');
  answer.write(', please');
  answer.finish('One ale, please');
  port.isOpen = true;
  answer.repeat();
  port.acknowledge();

  assert.equal(port.text, 'One ale, please');
  assert.deepEqual(
    port.of('CLIENT_STREAM_DATA_RETRY').map(({ chunkIndex }) => chunkIndex),
    [0, 1, 2],
  );
  assert.equal(port.of('CLIENT_STREAM_END').length, 1);
  assert.equal(ends(), 1);
});

test('an end that was never acknowledged is said again', () => {
  const { port, answer, ends } = begin();
  answer.finish('');
  answer.repeat();
  port.acknowledge();
  answer.repeat();

  assert.equal(port.of('CLIENT_STREAM_END').length, 2);
  assert.equal(ends(), 1);
});

test('nothing follows the end', () => {
  const { port, answer } = begin();
  answer.cancel();
  answer.write('too late');
  answer.finish('too late');
  answer.fail({ message: 'too late', code: 1 });

  assert.deepEqual(port.said, [['CANCEL_REQUEST', { requestId: 'r1' }]]);
});

test('a failure says why', () => {
  const { port, answer } = begin();
  answer.write('Half');
  answer.fail({ message: 'The barrel is empty', code: 10500 });

  const error = { requestId: 'r1', message: 'The barrel is empty', code: 10500 };
  assert.deepEqual(port.of('ERROR'), [error]);
});

test('what the broker wants no more of is over without a word', () => {
  const { port, answer, ends } = begin();
  answer.write('Half');
  const { length } = port.said;
  answer.drop();
  answer.write('more');
  answer.finish('more');
  answer.repeat();

  assert.equal(port.said.length, length);
  assert.equal(ends(), 1);
});

test('a long text is cut, but in no character', () => {
  const { port, answer } = begin();
  const text = `a${'🍺'.repeat(40_000)}`;
  answer.write(text);

  assert.equal(port.text, text);
  for (const [, { data }] of port.said.slice(1)) assert.ok(data.isWellFormed?.() ?? true);
  assert.ok(port.said.length > 3);
});
