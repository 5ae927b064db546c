/**
 * Lines of the log: read from the text of a file, searched, and kept as they come. Pure.
 *
 * `{time, level, service, code?, event?, message, fields?}`, as the broker sends the
 * live ones. What a file holds is the same, written out (docs/protocol.md, section 17).
 */

const HEAD =
  /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) \[(debug|info|warn|error)\] \[([^\]]*)\](?: \[(-?\d+)\])?(?: \[([^\]]*)\])?: /;

/** Read a record of a log file; one that is none becomes a line that says it all. */
export function readRecord(text) {
  const [first, ...rest] = text.split('\n');
  const head = HEAD.exec(first);
  if (head === null) return { time: '', level: 'info', service: '', message: text };
  const [found, time, level, service, code, event] = head;
  const line = { time, level, service, message: first.slice(found.length) };
  if (code !== undefined) line.code = Number(code);
  if (event !== undefined) line.event = event;
  if (rest.length > 0) line.fields = readFields(rest.join('\n'));
  return line;
}

function readFields(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}

/** Whether a line is of a level, or any, and holds a text somewhere. */
export function fits(line, { level = 'all', search = '' }) {
  if (level !== 'all' && line.level !== level) return false;
  const wanted = search.trim().toLowerCase();
  if (!wanted) return true;
  const fields = line.fields ? JSON.stringify(line.fields) : '';
  return [line.message, line.event ?? '', line.service, fields].some((text) =>
    text.toLowerCase().includes(wanted),
  );
}

/** The file that reaches furthest back for a level. */
export function fileOf(level) {
  return level === 'all' ? 'combined.log' : `${level}.log`;
}

/** The newest lines, up to a limit; while held, newer ones wait and are counted. */
export class Tail {
  #limit;
  #lines = [];
  #waiting = [];
  #held = false;

  constructor(limit) {
    this.#limit = limit;
  }

  get lines() {
    return this.#lines;
  }

  get waiting() {
    return this.#waiting.length;
  }

  get held() {
    return this.#held;
  }

  /** Take what the house knows by now; gives the lines that are to be shown anew. */
  follow(log) {
    const news = this.#newOnes(log);
    if (this.#held) {
      this.#waiting = [...this.#waiting, ...news].slice(-this.#limit);
      return [];
    }
    this.#lines = [...this.#lines, ...news].slice(-this.#limit);
    return news;
  }

  hold() {
    this.#held = true;
  }

  /** Go on; gives what came meanwhile. */
  release() {
    const missed = this.#waiting;
    this.#held = false;
    this.#waiting = [];
    this.#lines = [...this.#lines, ...missed].slice(-this.#limit);
    return missed;
  }

  // After a lost connection the same lines come once more, as other objects.
  #newOnes(log) {
    const last = this.#waiting.at(-1) ?? this.#lines.at(-1);
    if (last === undefined) return [...log];
    return log.slice(log.findLastIndex((line) => isSame(line, last)) + 1);
  }
}

function isSame(one, other) {
  return (
    one === other ||
    (one.time === other.time &&
      one.service === other.service &&
      one.event === other.event &&
      one.message === other.message &&
      JSON.stringify(one.fields) === JSON.stringify(other.fields))
  );
}
