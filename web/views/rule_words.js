/**
 * Routing rules taken apart: what each field asks for, and which field kept a rule from
 * fitting. Pure.
 *
 * Only explains: which rule takes a message is the broker's to say (TRY_ROUTE). How
 * texts match is in settings/README.md, routes.json.
 */

export const MATCH_FIELDS = Object.freeze([
  'event',
  'type',
  'source',
  'target',
  'room',
  'clientType',
]);

/** The fields that a rule names, each with the texts of which one must fit. */
export function conditions({ match = {} }) {
  return MATCH_FIELDS.filter((name) => match[name] !== undefined && match[name] !== null).map(
    (name) => ({ name, words: [match[name]].flat().map(String) }),
  );
}

/** Where a rule sends to: `{kind: 'room' | 'identity' | 'all' | 'nowhere', name?}`. */
export function destination(to) {
  if (to?.room) return { kind: 'room', name: to.room };
  if (to?.identity) return { kind: 'identity', name: to.identity };
  return { kind: to?.all ? 'all' : 'nowhere' };
}

/** The first condition of a rule that some traffic does not meet; null: it fits. */
export function obstacle(rule, traffic) {
  return conditions(rule).find(({ name, words }) => !fit(words, traffic[name])) ?? null;
}

function fit(words, value) {
  if (value === undefined || value === null || value === '') return false;
  const text = String(value);
  return words.some((word) =>
    word.endsWith('*') ? text.startsWith(word.slice(0, -1)) : text === word,
  );
}

/** What was filled in, as TRY_ROUTE takes it: without what was left empty. */
export function trafficOf(fields) {
  return Object.fromEntries(
    Object.entries(fields)
      .map(([name, value]) => [name, value.trim()])
      .filter(([, value]) => value !== ''),
  );
}
