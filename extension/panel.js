/**
 * The panel among SillyTavern's extension settings.
 *
 * Owns its elements. Shows the settings, the connection and the jobs as they are, and
 * says what the user does; decides nothing. Must never write what comes from outside
 * as HTML.
 */

import { STATE } from './connection.js';

const PLACE = 'extensions_settings2';

/** Milliseconds between questions for the queue, while the panel is open. */
const LOOK_EVERY = 3_000;

const PERMISSIONS = [
  'chat',
  'messages',
  'switchCharacter',
  'readChat',
  'editChat',
  'stop',
  'macros',
  'slashCommands',
];

/** States in which nothing is going on that could be ended. */
const UNCONNECTED = new Set([STATE.OFF, STATE.REFUSED, STATE.GIVEN_UP]);

/** States from which there is a way out by a click on Connect. */
const WAITING = new Set([...UNCONNECTED, STATE.AWAY]);

export class Panel extends EventTarget {
  #settings;
  #text;
  #parts = {};

  /**
   * @param {object} about
   * @param {() => Record<string, any>} about.settings
   * @param {(name: string, facts?: object) => string} about.text
   */
  constructor({ settings, text }) {
    super();
    this.#settings = settings;
    this.#text = text;
  }

  /** Put it where SillyTavern has those of other extensions. */
  show() {
    const parts = this.#parts;
    parts.light = element('span', { className: 'tapster-light' });
    parts.state = element('span', { className: 'tapster-state' });
    parts.reason = element('div', { className: 'tapster-reason' });
    parts.queue = element('span', {}, '');
    parts.requests = element('div', { className: 'tapster-requests' });
    const content = element(
      'div',
      { className: 'inline-drawer-content' },
      element('div', { className: 'tapster-line' }, parts.light, parts.state),
      parts.reason,
      this.#buttons(),
      ...this.#whereAndWho(),
      element('h4', {}, this.#text('allow')),
      ...PERMISSIONS.map((name) => this.#permission(name)),
      this.#field('slashCommandList', 'text', ''),
      element('div', { className: 'tapster-line' }, `${this.#text('queue')}: `, parts.queue),
      element('h4', {}, this.#text('requests')),
      parts.requests,
    );
    parts.content = content;
    const drawer = element('div', { className: 'inline-drawer' }, header(), content);
    const root = element('div', { id: 'tapster', className: 'extension_container' }, drawer);
    document.getElementById(PLACE)?.append(root);
    this.#fill();
    this.showJobs([]);
    setInterval(() => this.#ifOpen(() => this.#say('look')), LOOK_EVERY);
  }

  /**
   * @param {{state: string, reason: string, clientId: string, busy: boolean, backAt: Date}} now
   */
  showState({ state, reason, clientId, busy, backAt }) {
    const { light, state: said, reason: why, connect, disconnect, takeOver, hint } = this.#parts;
    const shown = state === STATE.ONLINE && busy ? 'busy' : state;
    light.dataset.state = shown;
    said.textContent = this.#text(shown, { clientId, time: backAt.toLocaleTimeString() });
    why.textContent = state === STATE.ONLINE ? '' : reason;
    connect.hidden = !WAITING.has(state);
    disconnect.hidden = UNCONNECTED.has(state);
    takeOver.hidden = state !== STATE.ELSEWHERE;
    hint.textContent = this.#text('keyHint', { clientId });
  }

  /** @param {number | null} waiting */
  showQueue(waiting) {
    this.#parts.queue.textContent = waiting === null ? '–' : String(waiting);
  }

  /** @param {import('./jobs.js').Job[]} jobs */
  showJobs(jobs) {
    const rows = jobs.map((job) => this.#row(job));
    const none = element('div', { className: 'tapster-none' }, this.#text('none'));
    this.#parts.requests.replaceChildren(...(rows.length > 0 ? rows : [none]));
  }

  /** Show the settings anew: they have changed elsewhere. */
  refresh() {
    this.#fill();
  }

  #row({ state, from, way, began, characters, error }) {
    const time = began.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    const how = this.#text(way === 'chat' ? 'inChat' : 'fromMessages');
    const outcome = error ?? this.#text('characters', { count: characters });
    const row = element(
      'div',
      { className: 'tapster-request', title: error ?? '' },
      element('span', {}, time),
      element('span', { className: 'tapster-who' }, from),
      element('span', {}, how),
      element('span', { className: 'tapster-outcome' }, this.#text(state)),
      element('span', { className: 'tapster-more' }, state === 'running' ? '' : outcome),
    );
    row.dataset.state = state;
    return row;
  }

  #buttons() {
    const parts = this.#parts;
    for (const name of ['connect', 'disconnect', 'takeOver']) {
      parts[name] = element('div', { className: 'menu_button menu_button_icon' }, this.#text(name));
      parts[name].addEventListener('click', () => this.#say(name));
    }
    const { connect, disconnect, takeOver } = parts;
    return element('div', { className: 'flex-container' }, connect, disconnect, takeOver);
  }

  #whereAndWho() {
    this.#parts.hint = element('small', { className: 'tapster-hint' });
    return [
      this.#field('address', 'text', this.#text('address')),
      this.#check('askForKey', this.#text('askForKey')),
      this.#field('key', 'password', this.#text('key')),
      this.#parts.hint,
      this.#field('password', 'password', this.#text('password')),
      this.#check('connectAtStart', this.#text('connectAtStart')),
    ];
  }

  #permission(name) {
    return this.#check(name, this.#text(name));
  }

  #field(name, type, label) {
    const input = element('input', { type, className: 'text_pole', autocomplete: 'off' });
    input.id = `tapster-${name}`;
    input.addEventListener('change', () => this.#change(name, input.value));
    this.#parts[name] = input;
    const line = element('label', { className: 'tapster-field' }, label, input);
    this.#parts[`${name}Line`] = line;
    return line;
  }

  #check(name, label) {
    const input = element('input', { type: 'checkbox', id: `tapster-${name}` });
    input.addEventListener('change', () => this.#change(name, input.checked));
    this.#parts[name] = input;
    return element('label', { className: 'checkbox_label' }, input, element('span', {}, label));
  }

  #fill() {
    const { address, askForKey, password, connect, allow, slashCommands } = this.#settings();
    const parts = this.#parts;
    parts.address.value = address;
    parts.askForKey.checked = askForKey;
    parts.password.value = password;
    parts.connectAtStart.checked = connect;
    parts.slashCommandList.value = slashCommands.join(', ');
    for (const name of PERMISSIONS) parts[name].checked = allow[name];
    for (const part of [parts.keyLine, parts.hint]) part.hidden = askForKey;
    parts.passwordLine.hidden = !askForKey;
    parts.slashCommandListLine.hidden = !allow.slashCommands;
  }

  #change(name, value) {
    const settings = this.#settings();
    if (name === 'connectAtStart') settings.connect = value;
    else if (name === 'slashCommandList') settings.slashCommands = words(value);
    else if (name === 'key') this.#say('key', value.trim());
    else if (PERMISSIONS.includes(name)) settings.allow[name] = value;
    else settings[name] = value;
    this.#fill();
    this.#say('settings', name);
  }

  #ifOpen(then) {
    if (!document.hidden && this.#parts.content.offsetParent !== null) then();
  }

  #say(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function header() {
  return element(
    'div',
    { className: 'inline-drawer-toggle inline-drawer-header' },
    element('b', {}, 'Tapster'),
    element('div', {
      className: 'inline-drawer-icon fa-solid fa-circle-chevron-down down',
    }),
  );
}

/** @param {string} list names of commands, with or without their slashes */
function words(list) {
  return list.split(/[\s,/]+/).filter(Boolean);
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
