/**
 * Which view is open, by the address: `#/rooms/lobby`.
 *
 * Owns the outlet. A view is opened anew when its address or the language changes, and
 * is closed before another opens.
 */

/** Take an address apart. @returns {{id: string, params: string[]}} */
export function parse(hash) {
  const [id = '', ...params] = hash.replace(/^#?\/?/, '').split('/').map(decoded);
  return { id, params: params.filter((param) => param !== '') };
}

/** The address of a view. */
export function pathOf(id, ...params) {
  return `#/${[id, ...params].map(encodeURIComponent).join('/')}`;
}

export class Router {
  #views;
  #context;
  #outlet;
  #shown;
  #open = null;

  /**
   * @param {object} parts
   * @param {Array<{id: string, title: string, open: Function}>} parts.views the first
   *   is shown where an address leads nowhere
   * @param {object} parts.context what each view is opened with; gets `navigate`
   * @param {HTMLElement} parts.outlet
   * @param {(view: object) => void} parts.onShow hears which view is open
   */
  constructor({ views, context, outlet, onShow }) {
    this.#views = new Map(views.map((view) => [view.id, view]));
    this.#context = { ...context, navigate: (path) => this.navigate(path) };
    this.#outlet = outlet;
    this.#shown = onShow;
  }

  start() {
    addEventListener('hashchange', this.#onHash);
    this.show();
  }

  stop() {
    removeEventListener('hashchange', this.#onHash);
    this.#close();
  }

  /** Go to an address, with or without its `#/`. */
  navigate(path) {
    const hash = `#/${path.replace(/^#?\/?/, '')}`;
    if (location.hash === hash) this.show();
    else location.hash = hash;
  }

  /** Open what the address says. */
  show() {
    const { id, params } = parse(location.hash);
    const view = this.#views.get(id) ?? [...this.#views.values()][0];
    this.#close();
    this.#open = view.open(this.#context, ...(view.id === id ? params : []));
    this.#outlet.replaceChildren(this.#open.element);
    this.#outlet.scrollTo?.(0, 0);
    this.#shown(view);
  }

  #onHash = () => {
    this.show();
    // Who reads with a screen reader starts where the new view starts.
    this.#outlet.focus({ preventScroll: true });
  };

  #close() {
    this.#open?.close?.();
    this.#open = null;
    this.#outlet.replaceChildren();
  }
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // typed by hand
  }
}
