/**
 * Remote text, made so that SillyTavern expands nothing in it.
 *
 * Owns nothing. SillyTavern expands macros when a message is added to the chat, and
 * again in each prompt that holds it: taking them out of the way once is not enough,
 * so the text itself must have none. A word joiner, which nobody sees, parts what
 * makes a macro; a backslash would be used up by the first expansion.
 */

const WORD_JOINER = '\u2060';
const BRACES = /\{(?=\{)/g;
const MARKERS = /<(?=(?:USER|BOT|CHAR|GROUP|CHARIFNOTGROUP)>)/gi;

/**
 * @param {string} text
 * @returns {string} the same to a reader, and no macro to SillyTavern
 */
export function withoutMacros(text) {
  return text
    .replace(BRACES, `{${WORD_JOINER}`)
    .replace(MARKERS, `<${WORD_JOINER}`);
}

/**
 * @param {string} text
 * @returns {boolean} whether SillyTavern would expand something in it
 */
export function hasMacros(text) {
  return withoutMacros(text) !== text;
}
