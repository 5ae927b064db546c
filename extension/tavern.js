/**
 * SillyTavern, as the rest of the extension sees it: the one file that calls it.
 *
 * Owns nothing of it. Asks for the context afresh each time (its plain values are
 * snapshots), and never puts remote text into the box that people type in.
 */

import {
  amount_gen,
  createRawPrompt,
  isGenerating,
  sendMessageAsUser,
  setSendButtonState,
} from '../../../../script.js';

import { Draft, NO_DRAFT } from './draft.js';
import { TavernError } from './errors.js';
import { settingsIn } from './settings.js';
import { CODE } from './wire.js';

const NO_LLM = 'no_connection';

/** In case SillyTavern becomes free without a word. */
const LOOK_EVERY = 500;

export class Tavern {
  /** SillyTavern's version, once `learnVersion` has been there. */
  version = '';

  get context() {
    return globalThis.SillyTavern.getContext();
  }

  get settings() {
    return settingsIn(this.context.extensionSettings);
  }

  save() {
    this.context.saveSettingsDebounced();
  }

  async learnVersion() {
    const answer = await fetch('/version');
    this.version = (await answer.json()).pkgVersion ?? '';
  }

  // -- its events

  /** @param {string} name of `eventTypes` */
  on(name, listener) {
    const { eventSource, eventTypes } = this.context;
    if (eventTypes[name]) eventSource.on(eventTypes[name], listener);
    return () => eventSource.removeListener(eventTypes[name], listener);
  }

  // -- what it is about

  get busy() {
    return isGenerating();
  }

  get api() {
    return this.context.mainApi;
  }

  get model() {
    const { context } = this;
    if (context.mainApi === 'openai') return context.getChatCompletionModel() ?? '';
    return context.onlineStatus === NO_LLM ? '' : context.onlineStatus;
  }

  get characters() {
    return this.context.characters.map(({ name, avatar }) => ({ name, avatar }));
  }

  /** The character, or the group, whose chat is open; null where none is. */
  get current() {
    const { groupId, groups, characters, characterId } = this.context;
    if (groupId) {
      const group = groups.find((each) => each.id === groupId);
      return { name: group?.name ?? '', group: groupId };
    }
    const character = characters[characterId];
    return character ? { name: character.name, avatar: character.avatar } : null;
  }

  get inGroup() {
    return Boolean(this.context.groupId);
  }

  get chat() {
    return this.context.chat;
  }

  // -- the visible chat

  /**
   * Wait for SillyTavern to be free, and take it, so that nobody comes between.
   * @param {AbortSignal} signal
   */
  async take(signal) {
    while (isGenerating()) {
      await this.#nextChange(signal);
    }
    signal.throwIfAborted();
    this.#mustBeReady();
    setSendButtonState(true);
  }

  /** Give back what was taken and not used. */
  release() {
    setSendButtonState(false);
  }

  /** Put the draft away, which a generation would run or clear. */
  setDraftAside({ again }) {
    if (again && !this.inGroup) return NO_DRAFT;
    return new Draft(document, { keepAway: this.inGroup });
  }

  /** @param {string} text the user's, as if typed */
  async say(text) {
    await sendMessageAsUser(text, '');
  }

  /** @returns {Promise<unknown>} what Generate gives: nothing, where it has failed */
  generate() {
    return this.context.generate('normal', { automatic_trigger: true });
  }

  async regenerate() {
    const last = this.chat.at(-1);
    if (!last?.is_user && this.chat.length < 2) {
      throw new TavernError('there is no answer to regenerate', CODE.INVALID_REQUEST);
    }
    if (!this.inGroup) {
      return this.context.generate('regenerate', { automatic_trigger: true });
    }
    const groups = await import('../../../group-chats.js');
    await groups.regenerateGroup();
    return 'regenerated';
  }

  stop() {
    return this.context.stopGeneration();
  }

  // -- the LLM behind it

  /**
   * Stream from messages; gives cumulative texts.
   * @returns {Promise<() => AsyncGenerator<{text: string}>>}
   */
  async streamChat(messages, signal) {
    const { ChatCompletionService, getChatCompletionModel } = this.context;
    const order = { messages, model: getChatCompletionModel(), stream: true };
    const data = await ChatCompletionService.presetToGeneratePayload({}, {}, order);
    signal.throwIfAborted();
    return ChatCompletionService.sendRequest(data, true, signal);
  }

  async streamText(messages, signal) {
    const { TextCompletionService } = this.context;
    const prompt = createRawPrompt(messages, 'textgenerationwebui', false, false, '', '');
    const preset = { genamt: amount_gen };
    const order = { prompt, stream: true };
    const data = TextCompletionService.presetToGeneratePayload(preset, {}, order);
    signal.throwIfAborted();
    return TextCompletionService.sendRequest(await data, true, signal);
  }

  /** The whole answer at once, with any API. */
  async completeRaw(messages, signal) {
    const { eventSource, eventTypes, generateRaw } = this.context;
    const stop = () => eventSource.emit(eventTypes.GENERATION_STOPPED);
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await generateRaw({ prompt: messages });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  #mustBeReady() {
    const { onlineStatus } = this.context;
    if (onlineStatus === NO_LLM) {
      throw new TavernError('SillyTavern has no connection to an LLM', CODE.NO_LLM_AVAILABLE);
    }
    if (this.current === null) {
      throw new TavernError('no chat is open in SillyTavern', CODE.NO_LLM_AVAILABLE);
    }
  }

  #nextChange(signal) {
    return new Promise((resolve, reject) => {
      const offs = ['GENERATION_ENDED', 'GENERATION_STOPPED', 'GROUP_WRAPPER_FINISHED'].map(
        (name) => this.on(name, () => setTimeout(done)),
      );
      const timer = setTimeout(() => done(), LOOK_EVERY);
      const done = () => {
        for (const off of offs) off();
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        if (signal.aborted) reject(signal.reason);
        else resolve(undefined);
      };
      signal.addEventListener('abort', done);
    });
  }
}
