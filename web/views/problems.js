/**
 * What went wrong lately: warnings and errors of the log, and requests that failed.
 *
 * Owns nothing; pure, so that it can be tested without a page.
 */

const LEVELS = new Set(['error', 'warn']);
const FAILED = new Set(['failed', 'timeout']);

/**
 * @typedef {object} Problem
 * @property {string} key the same problem has the same one
 * @property {string} time
 * @property {'error' | 'warn' | 'request'} kind
 * @property {string} text
 * @property {number} [seq] of the request
 * @property {string} [who] who or what it concerns
 *
 * @param {{log: object[], requests: Map<string, object>}} house
 * @param {number} most
 * @returns {Problem[]} the newest first
 */
export function problems({ log, requests }, most) {
  const lines = log
    .filter(({ level }) => LEVELS.has(level))
    .map(({ time, level, service, message }) => ({
      key: `${time} ${service} ${message}`, time, kind: level, text: message, who: service,
    }));
  const failures = [...requests.values()]
    .filter(({ state }) => FAILED.has(state))
    .map(({ seq, requestId, endedAt, createdAt, error }) => ({
      key: `request ${seq}`, time: endedAt ?? createdAt, kind: 'request',
      text: error?.message ?? '', seq, who: requestId,
    }));
  return [...lines, ...failures]
    .sort((one, other) => Date.parse(other.time) - Date.parse(one.time))
    .slice(0, most);
}
