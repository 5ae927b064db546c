// Texts with parameters, and figures as each language writes them.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import {
  add, bytes, duration, language, number, onLanguage, percent, setLanguage, t, time,
} from '../../web/app/i18n.js';

add({
  en: { 'test.hello': 'Hello {name}', 'test.rooms': { one: '{count} room', other: '{count} rooms' } },
  zh: { 'test.hello': '你好，{name}', 'test.rooms': '{count} 个房间' },
});

beforeEach(() => setLanguage('en'));

test('a parameter is letters, whatever it says', () => {
  assert.equal(t('test.hello', { name: '<b>{name}</b>' }), 'Hello <b>{name}</b>');
  assert.equal(t('test.hello', { name: '$&' }), 'Hello $&');
});

test('a parameter that is missing leaves its place', () => {
  assert.equal(t('test.hello'), 'Hello {name}');
});

test('a key that nobody has added is said as it is', () => {
  assert.equal(t('test.nothing'), 'test.nothing');
});

test('plurals go by the count', () => {
  assert.equal(t('test.rooms', { count: 1 }), '1 room');
  assert.equal(t('test.rooms', { count: 1_200 }), '1,200 rooms');
});

test('another language is heard of, and spoken from then on', () => {
  const heard = [];
  const off = onLanguage((name) => heard.push(name));
  setLanguage('zh');
  setLanguage('zh');
  off();
  setLanguage('en');
  setLanguage('tlh');

  assert.deepEqual(heard, ['zh']);
  assert.equal(language(), 'en');
});

test('figures have as many digits as one reads', () => {
  assert.equal(number(0.5371), '0.5');
  assert.equal(number(1_234.56), '1,235');
  assert.equal(percent(0.9876), '98.8%');
  assert.equal(bytes(1_536), '1.5 KiB');
  assert.equal(bytes(0), '0 B');
});

test('durations are told in the largest two units', () => {
  assert.equal(duration(0.4), '0.4ms');
  assert.equal(duration(85), '85ms');
  assert.equal(duration(2_440), '2.4s');
  assert.equal(duration(185_000), '3m 5s');
  assert.equal(duration(3_600_000), '1h');
  assert.equal(duration(90_061_000), '1d 1h');
  setLanguage('zh');
  assert.equal(duration(185_000), '3分钟 5秒');
});

test('what is not there is a dash', () => {
  for (const write of [number, percent, bytes, duration, time]) {
    assert.equal(write(null), '–');
    assert.equal(write(undefined), '–');
    assert.equal(write(NaN), '–');
  }
});

test('a moment of today has no day, and one of another day has', () => {
  const now = new Date();
  const clock = /^\d\d:\d\d:\d\d$/;

  assert.match(time(now), clock);
  assert.match(time(now.toISOString()), clock);
  assert.doesNotMatch(time('2020-02-03T10:20:30Z'), clock);
  assert.equal(time('yesterday or so'), '–');
});
