/**
 * What SillyTavern tells its user of errors, overheard: an LLM's own words are often
 * said there and nowhere else.
 *
 * Owns the place of `toastr.error` while somebody listens. Must never keep a toast
 * from being shown.
 */

/**
 * Listen from now on.
 * @param {{error: Function}} [toasts]
 * @returns {{last: {message: string, title: string} | null, stop: () => void}}
 */
export function listenToErrors(toasts = globalThis.toastr) {
  const ear = { last: null, stop: () => {} };
  if (!toasts) return ear;
  const { error } = toasts;
  const overhear = (message, title = '', ...rest) => {
    ear.last = { message: String(message ?? ''), title: String(title ?? '') };
    return error.call(toasts, message, title, ...rest);
  };
  toasts.error = overhear;
  ear.stop = () => {
    if (toasts.error === overhear) toasts.error = error;
  };
  return ear;
}
