/**
 * The switches of language and theme.
 *
 * Owns their elements; what is chosen is i18n.js' and theme.js'.
 */

import { h, iconButton } from './element.js';
import { LANGUAGES, language, setLanguage, t } from './i18n.js';
import { THEMES, setTheme, theme } from './theme.js';

/** Both switches, side by side. */
export function choices() {
  return h('div', { class: 'choices' }, languageChoice(), themeChoice());
}

function languageChoice() {
  const other = Object.keys(LANGUAGES).find((name) => name !== language());
  const element = iconButton({
    label: LANGUAGES[other], icon: 'language', onClick: () => setLanguage(other),
  });
  element.lang = other === 'zh' ? 'zh-CN' : other;
  return element;
}

function themeChoice() {
  const place = h('span');
  const show = () => {
    const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
    const element = iconButton({
      label: t('core.themeIs', { now: t(`core.theme.${theme()}`), next: t(`core.theme.${next}`) }),
      icon: theme(),
      onClick: () => {
        setTheme(next);
        show().focus();
      },
    });
    place.replaceChildren(element);
    return element;
  };
  show();
  return place;
}
