/**
 * The functions that others may call, each as far as the user allows it.
 *
 * Owns the list of them. Must never do for a remote person what SillyTavern's user
 * has not allowed, nor change a chat in which something is being generated.
 */

import { TavernError } from './errors.js';
import { hasMacros, withoutMacros } from './macros.js';
import { CODE } from './wire.js';

const MOST_MESSAGES = 1_000;
const USUAL_MESSAGES = 50;

/** A command's name, and what would make it more than one command. */
const COMMAND = /^\/([\w-]+)(?=\s|$)/;
const MORE_THAN_ONE = /\||\{:|:\}|\n/;

/** Which of the user's permissions each function needs; null for none. */
const NEEDS = Object.freeze({
  listFunctions: null,
  listCharacters: null,
  getStatus: null,
  selectCharacter: 'switchCharacter',
  getChat: 'readChat',
  stopGeneration: 'stop',
  editMessage: 'editChat',
  deleteMessage: 'editChat',
  runSlashCommand: 'slashCommands',
});

export class Functions {
  #tavern;
  #editor;
  #jobs;

  /**
   * @param {import('./tavern.js').Tavern} tavern
   * @param {import('./chat_editor.js').ChatEditor} editor
   * @param {import('./jobs.js').Jobs} jobs
   */
  constructor(tavern, editor, jobs) {
    this.#tavern = tavern;
    this.#editor = editor;
    this.#jobs = jobs;
  }

  /**
   * Answer a FUNCTION_CALL.
   * @param {Record<string, any>} call
   * @returns {Promise<object>} the ack
   */
  async answer({ requestId, functionName, args = [] }) {
    try {
      const words = Array.isArray(args) ? args : [args];
      const result = await this.#call(functionName, words);
      return { requestId, success: true, result: result ?? null };
    } catch (problem) {
      const code = problem instanceof TavernError ? problem.code : CODE.FUNCTION_FAILED;
      const message = problem?.message || String(problem);
      return { requestId, success: false, error: { message, code } };
    }
  }

  #call(name, words) {
    if (!Object.hasOwn(NEEDS, name)) {
      throw new TavernError(`there is no function ${name}`, CODE.FUNCTION_NOT_FOUND);
    }
    const need = NEEDS[name];
    if (need !== null && !this.#tavern.settings.allow[need]) {
      const message = `this SillyTavern's user does not allow ${name}`;
      throw new TavernError(message, CODE.AUTHORISATION_FAILED);
    }
    return this[name](...words);
  }

  listFunctions() {
    const { allow } = this.#tavern.settings;
    return Object.keys(NEEDS).filter((name) => NEEDS[name] === null || allow[NEEDS[name]]);
  }

  listCharacters() {
    return this.#tavern.characters;
  }

  getStatus() {
    const { version, api, model, current, busy, chat } = this.#tavern;
    const { busy: answering, running } = this.#jobs;
    const requests = running.length;
    const messages = chat.length;
    return { version, api, model, current, busy: busy || answering, requests, messages };
  }

  async selectCharacter(wanted) {
    const { characters } = this.#tavern;
    const name = wanted?.avatar ?? wanted?.name ?? wanted;
    if (typeof name !== 'string') throw badArguments('selectCharacter takes a name or avatar');
    const byAvatar = characters.findIndex(({ avatar }) => avatar === name);
    const index = byAvatar >= 0 ? byAvatar : characters.findIndex((each) => each.name === name);
    if (index < 0) throw new TavernError(`there is no character ${name}`, CODE.NOT_FOUND);
    this.#mustBeIdle('the character can not be changed');
    await this.#editor.select(index, characters[index].avatar);
    return this.#tavern.current;
  }

  getChat(limit = USUAL_MESSAGES) {
    const most = Number(limit?.limit ?? limit);
    if (!(most >= 1)) throw badArguments('getChat takes how many messages it is to give');
    const { chat } = this.#tavern;
    const first = Math.max(0, chat.length - Math.min(most, MOST_MESSAGES));
    return chat.slice(first).map((message, index) => described(message, first + index));
  }

  stopGeneration() {
    const stopped = this.#tavern.busy || this.#jobs.busy;
    this.#jobs.stopAll();
    if (this.#tavern.busy) this.#tavern.stop();
    return { stopped };
  }

  async editMessage(wanted, text = wanted?.text) {
    const id = this.#place(wanted);
    if (typeof text !== 'string') throw badArguments('editMessage takes an id and a text');
    this.#mustBeIdle('the chat can not be edited');
    const { macros } = this.#tavern.settings.allow;
    await this.#editor.edit(id, macros ? text : withoutMacros(text));
    return described(this.#tavern.chat[id], id);
  }

  async deleteMessage(wanted) {
    const id = this.#place(wanted);
    this.#mustBeIdle('the chat can not be edited');
    await this.#editor.remove(id);
    return { id };
  }

  async runSlashCommand(wanted) {
    const text = String(wanted?.command ?? wanted ?? '').trim();
    const { slashCommands, allow } = this.#tavern.settings;
    const name = COMMAND.exec(text)?.[1];
    if (name === undefined || MORE_THAN_ONE.test(text)) {
      throw badArguments('runSlashCommand takes one command, without pipes or closures');
    }
    if (!slashCommands.includes(name)) {
      const message = `this SillyTavern's user does not allow /${name}`;
      throw new TavernError(message, CODE.AUTHORISATION_FAILED);
    }
    if (!allow.macros && hasMacros(text)) throw badArguments('macros are not allowed here');
    return this.#editor.command(text);
  }

  #place(wanted) {
    const id = Number(wanted?.id ?? wanted);
    if (Number.isInteger(id) && this.#tavern.chat[id] !== undefined) return id;
    throw new TavernError(`the chat has no message ${id}`, CODE.NOT_FOUND);
  }

  #mustBeIdle(what) {
    if (!this.#tavern.busy) return;
    throw new TavernError(`${what} while SillyTavern is generating`, CODE.UNAVAILABLE);
  }
}

/**
 * A message of the chat, as others are told of it.
 * @param {Record<string, any>} message
 * @param {number} id
 */
export function described(message, id) {
  return {
    id,
    name: message.name,
    isUser: Boolean(message.is_user),
    isSystem: Boolean(message.is_system),
    text: message.mes,
    date: message.send_date ?? null,
    swipe: message.swipe_id ?? 0,
    swipes: message.swipes?.length ?? 1,
  };
}

function badArguments(message) {
  return new TavernError(message, CODE.INVALID_ARGUMENTS);
}
