/**
 * Clients as the view lists them: those who are here, and those who are trusted or
 * have keys. Pure.
 */

export const SHOW = Object.freeze({
  ALL: 'all',
  MONITORS: 'monitors',
  SILLY_TAVERNS: 'sillytaverns',
  OTHERS: 'others',
});

export const MONITOR = 'monitor';
const SILLY_TAVERN = 'SillyTavern';

/** Who is here, by name, those who are away last. */
export function hereRows(clients, { search = '', show = SHOW.ALL } = {}) {
  const wanted = [...clients.values()].filter(
    (client) =>
      isShown(client.clientType, show) &&
      holds(search, client.identity, client.clientId, client.desc, client.name, client.address),
  );
  return wanted.sort(
    (one, other) =>
      Number(one.status === 'away') - Number(other.status === 'away') ||
      byName(one.identity, other.identity),
  );
}

/** Whoever is trusted or has keys, by name. */
export function bookRows(entries, { search = '', show = SHOW.ALL } = {}) {
  const wanted = entries.filter(
    (entry) =>
      isShown(entry.kind, show) && holds(search, entry.clientId, newestUse(entry)?.lastAddress),
  );
  return wanted.sort((one, other) => byName(one.clientId, other.clientId));
}

/** When a key was used last; null where it never was: then it says when it was made. */
export function usedAt({ createdAt, lastUsedAt, lastAddress }) {
  return lastUsedAt === createdAt && !lastAddress ? null : lastUsedAt;
}

/** Whether a key is good no more, because its time is over. */
export function isExpired({ expiresAt }, now = Date.now()) {
  return Boolean(expiresAt) && Date.parse(expiresAt) <= now;
}

/** The key of a client that was used last; null where none ever was. */
export function newestUse({ keys }) {
  const used = keys.filter((key) => usedAt(key) !== null);
  used.sort((one, other) => (one.lastUsedAt < other.lastUsedAt ? 1 : -1));
  return used[0] ?? null;
}

/** The sessions of one client among all that are here, by name. */
export function sessionsOf(clientId, clients) {
  const own = [...clients.values()].filter((client) => client.clientId === clientId);
  return own.sort((one, other) => byName(one.identity, other.identity));
}

/** What a client is: `monitor`, `SillyTavern`, or neither. */
export function kindOf(word) {
  if (word === MONITOR || word === SILLY_TAVERN) return word;
  return 'other';
}

function isShown(word, show) {
  const kind = kindOf(word);
  if (show === SHOW.MONITORS) return kind === MONITOR;
  if (show === SHOW.SILLY_TAVERNS) return kind === SILLY_TAVERN;
  if (show === SHOW.OTHERS) return kind === 'other';
  return true;
}

function holds(search, ...texts) {
  const wanted = search.trim().toLowerCase();
  if (!wanted) return true;
  return texts.some((text) => typeof text === 'string' && text.toLowerCase().includes(wanted));
}

// Not by `localeCompare`: a thousand names are sorted twice a second.
const { compare } = new Intl.Collator(undefined, { numeric: true });

function byName(one, other) {
  return compare(one, other);
}
