// The words that the console shows, by their keys, in both languages.
//
// Tests find what they click by the same texts that a user reads, or has read to them.

import { TEXTS } from '../../web/texts/all.js';

export const LANGUAGES = ['en', 'zh'];

const LOCALES = { en: 'en-US', zh: 'zh-CN' };
const texts = { en: {}, zh: {} };

for (const more of TEXTS) {
  for (const language of LANGUAGES) Object.assign(texts[language], more[language]);
}

/** What a browser says that its user reads. */
export function localeOf(language) {
  return LOCALES[language];
}

/** All keys there are. */
export function keys() {
  return Object.keys(texts.en);
}

function formOf(text, language, { count }) {
  if (typeof text === 'string') return text;
  const form = new Intl.PluralRules(LOCALES[language]).select(Number(count));
  return text[form] ?? text.other;
}

/** The text of a key, with its parameters in it, as the console shows it. */
export function words(language, key, parameters = {}) {
  const text = texts[language][key];
  if (text === undefined) throw new Error(`no text for ${key} in ${language}`);
  return formOf(text, language, parameters).replaceAll(/\{(\w+)\}/g, (whole, name) =>
    name in parameters ? `${parameters[name]}` : whole,
  );
}
