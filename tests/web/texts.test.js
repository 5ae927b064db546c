// What the page says: the same in both languages, and nothing that it does not have.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { TEXTS } from '../../web/texts/all.js';

const WEB = new URL('../../web/', import.meta.url);

/** Every text by its key, in one language. */
function inLanguage(language) {
  return Object.assign({}, ...TEXTS.map((texts) => texts[language]));
}

/** The parameters that a text, or its plural forms, have. */
function parameters(text) {
  const words = typeof text === 'string' ? text : Object.values(text).join(' ');
  return [...new Set(words.match(/\{\w+\}/g))].sort();
}

function scripts() {
  const folders = ['./', 'app/', 'views/'];
  return folders.flatMap((folder) =>
    readdirSync(new URL(folder, WEB))
      .filter((name) => name.endsWith('.js'))
      .map((name) => [folder + name, readFileSync(new URL(folder + name, WEB), 'utf8')]));
}

test('every text is there in English and in Chinese', () => {
  const [english, chinese] = [Object.keys(inLanguage('en')), Object.keys(inLanguage('zh'))];

  assert.deepEqual(chinese.filter((key) => !english.includes(key)), []);
  assert.deepEqual(english.filter((key) => !chinese.includes(key)), []);
});

test('no two views have a text of the same key', () => {
  const keys = TEXTS.flatMap(({ en }) => Object.keys(en));

  assert.equal(new Set(keys).size, keys.length);
});

test('every file of texts is among those that the page speaks from', () => {
  const files = readdirSync(new URL('texts/', WEB)).filter((name) => name !== 'all.js');

  assert.equal(files.length, TEXTS.length);
});

test('a text has the same parameters in both languages', () => {
  const [english, chinese] = [inLanguage('en'), inLanguage('zh')];
  for (const [key, text] of Object.entries(english)) {
    assert.deepEqual(parameters(chinese[key]), parameters(text), key);
  }
});

test('every text that a script asks for is there', () => {
  const known = inLanguage('en');
  for (const [name, script] of scripts()) {
    for (const [, key] of script.matchAll(/\bt\('([^']+)'/g)) assert.ok(key in known, `${name}: ${key}`);
    for (const [, stem] of script.matchAll(/\bt\(`([\w.]+\.)\$\{/g)) {
      assert.ok(Object.keys(known).some((key) => key.startsWith(stem)), `${name}: ${stem}`);
    }
  }
});
