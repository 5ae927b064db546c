/** Settings as the view lists them. Pure. */

/** Those whose name or meaning holds a text; `onlyChanged`: not at their default. */
export function settingRows(settings, { language, search = '', onlyChanged = false }) {
  const wanted = search.trim().toLowerCase();
  return settings.filter(
    (setting) =>
      (!onlyChanged || differs(setting)) &&
      (setting.name.toLowerCase().includes(wanted) ||
        meaning(setting, language).toLowerCase().includes(wanted)),
  );
}

/** Whether a setting has another value than its default. */
export function differs({ value, default: normal }) {
  return JSON.stringify(value) !== JSON.stringify(normal);
}

/** What a setting does, in a language if it is told in that. */
export function meaning({ about = {} }, language) {
  return about[language] ?? about.en ?? '';
}

/** A value as people read it. */
export function written(value, unit, { t, number, bytes }) {
  if (value === null || value === undefined) return t('settings.none');
  if (typeof value === 'boolean') return t(value ? 'settings.yes' : 'settings.no');
  if (Array.isArray(value)) return value.length > 0 ? value.join(', ') : t('settings.none');
  // A port is a name made of digits.
  if (typeof value !== 'number' || unit === 'port') return String(value);
  return unit === 'bytes' ? bytes(value) : number(value);
}

/** A range as the broker words it (`0 to 100`, `0 or more`), in no language. */
export function extent(range = '') {
  const least = /^(.+) or more$/.exec(range);
  return least ? `≥ ${least[1]}` : range.replace(' to ', ' – ');
}
