// Settings as the console lists them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { differs, extent, meaning, settingRows, written } from '../../web/views/setting_rows.js';

const PORT = { name: 'serverPort', value: 4001, default: 4000, about: { en: 'The port.', zh: '端口。' } };
const HOSTS = { name: 'allowedHosts', value: [], default: [], about: { en: 'Further names.', zh: '主机名。' } };

const TOOLS = { t: (key) => key, number: (value) => `n${value}`, bytes: (value) => `b${value}` };

function names(filter) {
  return settingRows([PORT, HOSTS], { language: 'en', ...filter }).map(({ name }) => name);
}

test('settings are found by their name and by their meaning in the page’s language', () => {
  assert.deepEqual(names({ search: 'PORT' }), ['serverPort']);
  assert.deepEqual(names({ search: 'further' }), ['allowedHosts']);
  assert.deepEqual(names({ search: '主机', language: 'zh' }), ['allowedHosts']);
  assert.deepEqual(names({ search: '主机' }), []);
});

test('a setting differs when its value is not its default, lists included', () => {
  assert.ok(differs(PORT));
  assert.ok(!differs(HOSTS));
  assert.deepEqual(names({ onlyChanged: true }), ['serverPort']);
});

test('a meaning that is not told in a language is told in English', () => {
  assert.equal(meaning(PORT, 'zh'), '端口。');
  assert.equal(meaning({ about: { en: 'x' } }, 'zh'), 'x');
  assert.equal(meaning({}, 'en'), '');
});

test('values are written as people read them', () => {
  assert.equal(written(true, undefined, TOOLS), 'settings.yes');
  assert.equal(written([], 'networks', TOOLS), 'settings.none');
  assert.equal(written(['a', 'b'], undefined, TOOLS), 'a, b');
  assert.equal(written(1024, 'bytes', TOOLS), 'b1024');
  assert.equal(written(4000, 'port', TOOLS), '4000');
  assert.equal(written(60, 'seconds', TOOLS), 'n60');
  assert.equal(written('both', undefined, TOOLS), 'both');
  assert.equal(written(null, undefined, TOOLS), 'settings.none');
});

test('a range is written without words', () => {
  assert.equal(extent('0 to 100'), '0 – 100');
  assert.equal(extent('0 or more'), '≥ 0');
  assert.equal(extent(undefined), '');
});
