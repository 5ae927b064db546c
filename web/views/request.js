/**
 * One request: its facts, where its time went, its answer as it comes, why it failed.
 *
 * Owns what is shown of it; `request_answer.js` owns its text.
 */

import { button, h, replace } from '../app/element.js';
import { duration, number, t, time } from '../app/i18n.js';
import { pathOf } from '../app/router.js';
import { complain } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';
import { LiveAnswer } from './request_answer.js';
import { FAILED, IN_FLIGHT } from './request_list.js';
import { cancel, stateBadge } from './request_state.js';
import { adviceFor, parts } from './request_times.js';

/** Milliseconds between two looks at the clock while the request is in flight. */
const TICK = 1_000;

/**
 * Open the page of one request.
 *
 * @param {object} context as for every view
 * @param {number} seq the request's number in the feed
 */
export function openRequest(context, seq) {
  return new RequestPage(context, seq);
}

class RequestPage {
  #context;
  #seq;
  #request = null;
  #answer = null;
  #parts = {};
  #off;
  #clock;

  constructor(context, seq) {
    this.#context = context;
    this.#seq = seq;
    this.element = this.#layout();
    this.#off = context.house.onChange('requests', () => this.#look());
    this.#clock = setInterval(() => this.#tick(), TICK);
    this.#look();
    if (this.#request === null) this.#askFor();
  }

  /** The router leaves this page. */
  close() {
    this.#off();
    clearInterval(this.#clock);
    this.#answer?.close();
  }

  #layout() {
    const made = this.#parts;
    const back = h('a', { class: 'request-back', href: pathOf('requests') }, t('requests.back'));
    made.state = h('span', { role: 'status' });
    made.about = h('p', { class: 'muted' });
    made.cancel = button({
      label: t('requests.cancel'),
      kind: 'danger',
      onClick: () => {
        cancel(this.#context.link, this.#request);
      },
    });
    made.cancel.hidden = true;
    made.why = h('div', { class: 'notice stack', dataset: { tone: 'bad' }, hidden: true });
    made.body = this.#body();
    return h('section', { class: 'request stack' },
      back,
      h('header', { class: 'view-head' },
        h('h1', t('requests.one', { seq: String(this.#seq) })),
        made.state,
        made.cancel,
      ),
      made.about,
      made.why,
      made.body,
    );
  }

  #body() {
    const made = this.#parts;
    made.facts = h('dl', { class: 'request-facts' });
    made.times = h('ol', { class: 'request-times' });
    made.answer = h('div');
    return h('div', { class: 'request-body', hidden: true },
      h('div', { class: 'card stack' },
        h('h2', t('requests.facts')),
        made.facts,
        h('h2', t('requests.times')),
        made.times,
      ),
      made.answer,
    );
  }

  #look() {
    const found = this.#context.house.requests.get(String(this.#seq));
    // After a restart of the broker its number may be another's.
    const other = this.#request !== null && found?.createdAt !== this.#request.createdAt;
    if (found && !other && found !== this.#request) this.#show(found);
  }

  /** It ended before the feed's memory: the broker may remember it all the same. */
  async #askFor() {
    const question = { limit: 1, before: this.#seq + 1 };
    try {
      const { requests } = await this.#context.link.call(NAMESPACE.DEBUG, 'GET_REQUESTS', question);
      if (this.#request !== null) return;
      const [found] = requests;
      if (found?.seq === this.#seq) this.#show(found);
      else this.#parts.about.textContent = t('requests.unknown');
    } catch (error) {
      complain(error);
    }
  }

  #show(request) {
    this.#request = request;
    const { state, about, cancel: stop, why, facts, body } = this.#parts;
    body.hidden = false;
    replace(state, stateBadge(request));
    about.textContent = t(`requests.about.${request.state}`);
    stop.hidden = !IN_FLIGHT.has(request.state);
    why.hidden = !request.error || !FAILED.has(request.state);
    if (!why.hidden) replace(why, ...failure(request.error));
    replace(facts, ...factsOf(request));
    this.#showTimes();
    this.#answer ??= this.#follow(request);
    this.#answer.tell(request);
  }

  #follow(request) {
    const answer = new LiveAnswer(this.#context.link, request, (state, error) => {
      const { error: known = error } = this.#request;
      if (IN_FLIGHT.has(this.#request.state)) this.#show({ ...this.#request, state, error: known });
    });
    replace(this.#parts.answer, answer.element);
    return answer;
  }

  #tick() {
    if (this.#request !== null && IN_FLIGHT.has(this.#request.state)) this.#showTimes();
  }

  #showTimes() {
    const steps = parts(this.#request, Date.now()).map(({ part, lasted, over }) => {
      const long = duration(lasted);
      const said = over ? long : t('requests.part.running', { duration: long });
      return h('li', { dataset: { part } },
        h('span', t(`requests.part.${part}`)),
        h('span', said),
      );
    });
    replace(this.#parts.times, ...steps);
  }
}

function failure({ message, code }) {
  const advice = adviceFor(code);
  return [
    h('h2', t('requests.why')),
    h('p', { class: 'request-error' }, message),
    advice && h('p', t(advice)),
    code !== undefined && h('p', { class: 'muted' }, t('requests.code', { code: String(code) })),
  ];
}

function factsOf(request) {
  const none = t('requests.none');
  const facts = [
    ['requests.fact.id', request.requestId],
    ['requests.column.requester', request.requester],
    ['requests.fact.client', request.clientId ?? none],
    ['requests.column.room', request.room],
    ['requests.column.instance', request.instance ?? none],
    ['requests.column.created', time(request.createdAt)],
    ['requests.column.first', duration(request.timeToFirstToken)],
    ['requests.column.tokens', number(request.chunks)],
    ['requests.column.rate', number(request.chunksPerSecond)],
  ];
  if (request.position) facts.splice(5, 0, ['requests.fact.position', number(request.position)]);
  const { error, state } = request;
  if (error && !FAILED.has(state)) facts.push(['requests.fact.reason', error.message]);
  if (request.endedAt) facts.push(['requests.fact.ended', time(request.endedAt)]);
  return facts.map(([key, value]) => h('div', h('dt', t(key)), h('dd', value)));
}
