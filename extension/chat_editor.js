/**
 * Changes of SillyTavern's chat and character, as its own buttons would make them.
 *
 * Owns nothing. SillyTavern refuses silently what it can not do at a moment: each
 * change is looked for afterwards, and what has not happened is an error.
 */

import { TavernError } from './errors.js';
import { CODE } from './wire.js';

export class ChatEditor {
  #tavern;

  /** @param {import('./tavern.js').Tavern} tavern */
  constructor(tavern) {
    this.#tavern = tavern;
  }

  /** @param {number} index of the character now; it moves, unlike the avatar */
  async select(index, avatar) {
    await this.#tavern.context.selectCharacterById(index, { switchMenu: false });
    if (this.#tavern.current?.avatar === avatar) return;
    throw new TavernError(
      'SillyTavern did not change the character: it may be busy, try again',
      CODE.UNAVAILABLE,
    );
  }

  async edit(id, text) {
    const { chat, eventSource, eventTypes, saveChat, updateMessageBlock } =
      this.#tavern.context;
    const message = chat[id];
    message.mes = text;
    if (Array.isArray(message.swipes)) message.swipes[message.swipe_id ?? 0] = text;
    if (message.extra) delete message.extra.display_text;
    await eventSource.emit(eventTypes.MESSAGE_EDITED, id);
    updateMessageBlock(id, message);
    await eventSource.emit(eventTypes.MESSAGE_UPDATED, id);
    await saveChat();
  }

  async remove(id) {
    const { length } = this.#tavern.chat;
    await this.#tavern.context.deleteMessage(id);
    if (this.#tavern.chat.length < length) return;
    throw new TavernError(
      'SillyTavern did not delete the message: only what it shows can be deleted',
      CODE.UNAVAILABLE,
    );
  }

  /** @returns {Promise<string>} what the command gives */
  async command(text) {
    const { executeSlashCommandsWithOptions } = this.#tavern.context;
    const options = { handleParserErrors: false, handleExecutionErrors: false };
    const result = await executeSlashCommandsWithOptions(text, options);
    if (result?.isError) {
      const message = result.errorMessage || 'the command failed';
      throw new TavernError(message, CODE.FUNCTION_FAILED);
    }
    return result?.pipe ?? '';
  }
}
