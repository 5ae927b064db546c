/**
 * What the user was typing, while SillyTavern answers somebody else.
 *
 * Owns the text of the box for that time. SillyTavern would run a draft that begins
 * with a slash, send it in a group, and clears the box as it begins: so it is put
 * away, and back as soon as the box has been cleared, with what was typed meanwhile.
 * Files that wait to be sent are put away the same way. Must never put anything into
 * the box that was not there.
 */

const BOX = 'send_textarea';
const FILES = 'file_form_input';

/** Where nothing has to be put away. */
export const NO_DRAFT = Object.freeze({ restore() {}, restoreFiles() {} });

export class Draft {
  #box;
  #files;
  #heldFiles;
  #keepAway;
  #text;
  #typed = '';
  #caret;
  #away = true;

  /**
   * @param {Document} document
   * @param {{keepAway: boolean}} options whether the box must be empty to the end, as
   *   in a group, each member of which would send what it finds there
   */
  constructor(document, { keepAway }) {
    this.#keepAway = keepAway;
    this.#box = document.getElementById(BOX);
    this.#files = document.getElementById(FILES);
    this.#text = this.#box?.value ?? '';
    this.#caret = this.#box?.selectionStart ?? 0;
    if (this.#text) this.#show('');
    this.#holdFiles();
    this.#box?.addEventListener('input', this.#onInput);
  }

  /** Put it back, if that has not been done. */
  restore() {
    if (!this.#away) return;
    this.#away = false;
    this.#box?.removeEventListener('input', this.#onInput);
    this.restoreFiles();
    const now = this.#text + this.#typed;
    if (!this.#box || this.#box.value === now) return;
    this.#show(now);
    if (!this.#typed) this.#box.setSelectionRange(this.#caret, this.#caret);
  }

  /** The message is sent: what waits to be attached may be there again. */
  restoreFiles() {
    if (this.#away && this.#keepAway) return;
    const held = this.#heldFiles;
    this.#heldFiles = null;
    if (!held || !this.#files || this.#files.files.length > 0) return;
    this.#files.files = held;
    this.#files.dispatchEvent(new Event('change', { bubbles: true }));
  }

  /** People type; SillyTavern clears. */
  #onInput = (event) => {
    if (event.isTrusted) this.#typed = this.#box.value;
    else if (this.#box.value === '' && !this.#keepAway) queueMicrotask(() => this.restore());
    else if (this.#box.value === '') this.#typed = '';
  };

  #show(text) {
    this.#box.removeEventListener('input', this.#onInput);
    this.#box.value = text;
    this.#box.dispatchEvent(new Event('input', { bubbles: true }));
    if (this.#away) this.#box.addEventListener('input', this.#onInput);
  }

  #holdFiles() {
    const { files } = this.#files ?? {};
    if (!files?.length || typeof DataTransfer === 'undefined') return;
    this.#heldFiles = files;
    this.#files.files = new DataTransfer().files;
  }
}
