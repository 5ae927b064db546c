// Addresses of views.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parse, pathOf } from '../../web/app/router.js';

test('an address leads back to what it was made of', () => {
  for (const name of ['lobby', 'a/b', '#?&%', '酒馆 1', '<img src=x>', '..']) {
    assert.deepEqual(parse(pathOf('rooms', name)), { id: 'rooms', params: [name] });
  }
});

test('an address is understood with and without what it begins with', () => {
  for (const address of ['#/requests/12', '/requests/12', 'requests/12', '#requests/12/']) {
    assert.deepEqual(parse(address), { id: 'requests', params: ['12'] });
  }
});

test('no address is no view, and one typed wrongly is taken as it stands', () => {
  assert.deepEqual(parse(''), { id: '', params: [] });
  assert.deepEqual(parse('#/rooms/100%'), { id: 'rooms', params: ['100%'] });
});
