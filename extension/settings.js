/**
 * What the user has decided, as SillyTavern keeps it for this extension.
 *
 * Owns the shape and the defaults. Must never hold what belongs to a moment: the
 * object is saved with SillyTavern's own settings, and both tabs of a SillyTavern
 * have the same.
 */

import { randomSuffix } from './naming.js';

/** The name under which SillyTavern keeps them. */
export const NAME = 'tapster';

export const DEFAULTS = Object.freeze({
  address: 'http://127.0.0.1:4000',
  /** Whether to ask the broker for a key; otherwise the user has typed one. */
  askForKey: true,
  password: '',
  /** Whether to connect when SillyTavern starts. */
  connect: true,
  /** What parts the clientId from that of another SillyTavern on the same port. */
  suffix: '',
  /** How many of the room's messages each request brings along. */
  context: 20,
  allow: Object.freeze({
    chat: true,
    messages: true,
    switchCharacter: true,
    readChat: true,
    editChat: false,
    stop: true,
    macros: false,
    slashCommands: false,
  }),
  /** Slash commands that may be run, where any may. */
  slashCommands: Object.freeze(['echo']),
});

/**
 * Fill in, in place, what the saved settings do not say.
 * @param {Record<string, any>} all SillyTavern's `extensionSettings`
 * @returns {Record<string, any>} ours among them
 */
export function settingsIn(all) {
  const ours = (all[NAME] ??= {});
  for (const [name, value] of Object.entries(DEFAULTS)) {
    ours[name] ??= structuredClone(value);
  }
  ours.allow = { ...DEFAULTS.allow, ...ours.allow };
  /** Keys by clientId: a key is good for one alone. */
  ours.keys ??= {};
  /** Which SillyTavern this is, whatever its port: the same in all of its tabs. */
  ours.instance ??= randomSuffix();
  return ours;
}
