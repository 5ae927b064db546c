/**
 * The requests: what is in flight and what became of the last ones.
 *
 * Owns the list and its filters; the place in the address bar says which are set, so
 * that they are there again on the way back from one request.
 */

import { button, field, h, replace } from '../app/element.js';
import { duration, number, t, time } from '../app/i18n.js';
import { pathOf } from '../app/router.js';
import { Table } from '../app/table.js';
import { complain } from '../app/toast.js';
import { NAMESPACE } from '../app/wire.js';
import { openRequest } from './request.js';
import { FAILED, filterOf, IN_FLIGHT, placeOf, RequestList, SHOWN } from './request_list.js';
import { cancel, stateBadge } from './request_state.js';

/** So many rows at first, and so many more each time one asks for them. */
const STEP = 100;

/** So many the broker is asked for at a time. */
const PAGE = 200;

/** The view as the router knows it. */
export const view = {
  id: 'requests',
  title: 'requests.title',
  icon: 'requests',
  open(context, ...place) {
    const isOne = place.length === 1 && /^\d+$/.test(place[0]);
    return isOne ? openRequest(context, Number(place[0])) : new Requests(context, place);
  },
};

class Requests {
  #context;
  #filter;
  #list = new RequestList();
  #started;
  #limit = STEP;
  #allKnown = false;
  #table;
  #empty = h('p', { class: 'empty' });
  #count = h('span', { class: 'muted', role: 'status' });
  #more = button({ label: t('requests.older'), onClick: () => this.#showMore() });
  #end = h('p', { class: 'muted', hidden: true }, t('requests.noOlder'));
  #choices;
  #instances = h('select', { onChange: (event) => this.#narrow({ instance: event.target.value }) });
  #offs;

  constructor(context, place) {
    this.#context = context;
    this.#filter = filterOf(place);
    this.#table = new Table({
      caption: t('requests.caption'),
      columns: this.#columns(),
      key: ({ seq }) => seq,
      empty: this.#empty,
      onOpen: ({ seq }) => context.navigate(`requests/${seq}`),
    });
    this.#choices = SHOWN.map((shown) =>
      h('button', {
        type: 'button',
        class: 'button',
        dataset: { shown },
        onClick: () => this.#narrow({ shown }),
      }, t(`requests.shown.${shown}`)),
    );
    this.element = this.#layout();
    const { house } = context;
    this.#offs = [
      house.onChange('requests', () => this.#follow()),
      house.onChange('instances', () => this.#nameInstances()),
    ];
    this.#nameInstances();
    this.#follow();
    this.#askOlder();
  }

  /** The router leaves this view. */
  close() {
    for (const off of this.#offs) off();
  }

  #layout() {
    const words = h('input', {
      type: 'search',
      placeholder: t('requests.words.hint'),
      onInput: (event) => this.#narrow({ words: event.target.value.trim() }),
    });
    return h('section', { class: 'requests stack' },
      h('header', { class: 'view-head' },
        h('h1', t('requests.title')),
        this.#count,
      ),
      h('div', { class: 'requests-filters' },
        h('div', { class: 'requests-shown', role: 'group', 'aria-label': t('requests.shown') },
          ...this.#choices),
        field({ label: t('requests.instance'), input: this.#instances }),
        field({ label: t('requests.words'), input: words }),
      ),
      this.#table.element,
      h('div', { class: 'row' }, this.#more, this.#end),
    );
  }

  #columns() {
    const column = (id, cell, more = {}) => ({
      id, title: t(`requests.column.${id}`), cell, ...more,
    });
    return [
      column('state', (row) => stateAndWhy(row)),
      column('requester', ({ requester }) => requester),
      column('room', ({ room }) => room),
      column('instance', ({ instance }) => instance ?? t('requests.none')),
      column('request', ({ requestId }) => requestId),
      column('created', ({ createdAt }) => time(createdAt), { narrow: true }),
      column('first', ({ timeToFirstToken }) => duration(timeToFirstToken), { narrow: true }),
      column('tokens', ({ chunks }) => number(chunks), { narrow: true }),
      column('rate', ({ chunksPerSecond }) => number(chunksPerSecond), { narrow: true }),
      column('act', (row) => this.#actions(row), { narrow: true }),
    ];
  }

  #actions(row) {
    if (!IN_FLIGHT.has(row.state)) return '';
    const one = button({
      label: t('requests.cancel'),
      kind: 'quiet',
      onClick: () => {
        cancel(this.#context.link, this.#list.get(row.seq));
      },
    });
    one.setAttribute('aria-label', t('requests.cancelOne', { id: row.requestId }));
    return one;
  }

  /** Take what the feed says; a broker that was started anew counts anew. */
  #follow() {
    const { house } = this.#context;
    const started = house.house.startTime;
    if (this.#started !== undefined && started !== this.#started) this.#list.clear();
    this.#started = started;
    this.#list.follow(house.requests.values());
    this.#show();
  }

  #narrow(change) {
    Object.assign(this.#filter, change);
    this.#limit = STEP;
    history.replaceState(history.state, '', pathOf(...placeOf(this.#filter)));
    this.#show();
  }

  #show() {
    const rows = this.#list.rows(this.#filter);
    const shown = rows.slice(0, this.#limit);
    this.#table.update(shown);
    const told = this.#started !== undefined;
    const none = t(this.#list.size === 0 ? 'requests.empty' : 'requests.nothing');
    this.#empty.textContent = told ? none : '';
    for (const choice of this.#choices) {
      choice.setAttribute('aria-pressed', String(choice.dataset.shown === this.#filter.shown));
    }
    this.#more.hidden = this.#allKnown && rows.length <= this.#limit;
    this.#end.hidden = !this.#more.hidden || this.#list.size === 0;
    const known = this.#list.size;
    this.#count.textContent = known === 0
      ? ''
      : t('requests.count', { shown: shown.length, known });
  }

  async #showMore() {
    const hidden = this.#list.rows(this.#filter).length > this.#limit;
    this.#limit += STEP;
    if (hidden) this.#show();
    else await this.#askOlder();
  }

  async #askOlder() {
    const question = { limit: PAGE, before: this.#list.oldest };
    try {
      const { requests } = await this.#context.link.call(NAMESPACE.DEBUG, 'GET_REQUESTS', question);
      this.#list.add(requests);
      this.#allKnown = requests.length < PAGE;
      this.#show();
    } catch (error) {
      complain(error);
    }
  }

  /** Name in the choice the instances that are here, and the one that is chosen. */
  #nameInstances() {
    const { instance } = this.#filter;
    const here = [...this.#context.house.instances.keys()].sort();
    const names = instance && !here.includes(instance) ? [instance, ...here] : here;
    const options = names.map((name) => h('option', { value: name }, name));
    replace(this.#instances,
      h('option', { value: '' }, t('requests.instance.any')),
      ...options,
    );
    this.#instances.value = instance;
  }
}

function stateAndWhy(row) {
  const why = row.error?.message;
  const tone = FAILED.has(row.state) ? 'bad' : 'muted';
  return h('span', { class: 'request-standing' },
    h('span', { class: 'unseen' }, t('requests.open', { id: row.requestId })),
    stateBadge(row),
    why && h('span', { class: `request-why ${tone}`, title: why }, why),
  );
}
