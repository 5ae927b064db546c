/** How long a request waited, for whom, and why it may have failed. */

import { IN_FLIGHT } from './request_list.js';

/**
 * The parts of a request's life, in milliseconds; a part that has not begun is absent,
 * one that goes on is measured up to `now`.
 *
 * @param {object} request as the feed tells of it
 * @param {number} now milliseconds since 1970
 * @returns {{part: 'waiting' | 'thinking' | 'answering', lasted: number, over: boolean}[]}
 */
export function parts(request, now) {
  const at = (time) => (time ? Date.parse(time) : undefined);
  const { createdAt, sentAt, firstAt, endedAt } = request;
  const marks = [createdAt, sentAt, firstAt].map(at);
  const end = at(endedAt) ?? (IN_FLIGHT.has(request.state) ? now : undefined);
  return ['waiting', 'thinking', 'answering'].flatMap((part, index) => {
    const began = marks[index];
    const next = marks.slice(index + 1).find((mark) => mark !== undefined);
    const until = next ?? end;
    if (began === undefined || until === undefined) return [];
    const over = next !== undefined || endedAt !== undefined;
    return [{ part, lasted: Math.max(until - began, 0), over }];
  });
}

/** Codes of failures for which the console knows a word of advice. */
const ADVISED = Object.freeze(
  new Set([2, 6, 8, 9, 11, 302, 401, 10400, 10401, 10403, 10429, 10500, 10503]),
);

/** The key of the text that says what a code means and what to do about it. */
export function adviceFor(code) {
  return ADVISED.has(code) ? `requests.advice.${code}` : undefined;
}
