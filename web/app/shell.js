/**
 * What stands around every view: the name, the way between views, the connection.
 *
 * Owns its element and the outlet in it. Says when Tapster is away, and when it is back.
 */

import { choices } from './choices.js';
import { button, h, iconButton } from './element.js';
import { icon } from './icon.js';
import { t, time } from './i18n.js';
import { pathOf } from './router.js';

/**
 * @param {object} parts
 * @param {Array<{id: string, title: string, icon: string}>} parts.views
 * @param {import('./link.js').Link} parts.link
 * @param {() => void} parts.signOut
 * @returns {{element: HTMLElement, outlet: HTMLElement, show: (view: object) => void,
 *   close: () => void}}
 */
export function shell({ views, link, signOut }) {
  const outlet = h('main', { class: 'outlet', id: 'outlet', tabindex: '-1' });
  const links = views.map((view) =>
    h('a', { href: pathOf(view.id), class: 'nav-link', dataset: { view: view.id } },
      icon(view.icon), h('span', t(view.title))));
  const state = h('p', { class: 'link-state', role: 'status' });
  const notice = awayNotice(link);
  const away = h('div', { class: 'away', hidden: true }, notice.element);
  const element = h('div', { class: 'shell' },
    h('a', { class: 'skip', href: '#outlet', onClick: (event) => {
      event.preventDefault();
      outlet.focus();
    } }, t('core.skip')),
    h('header', { class: 'top' },
      h('div', { class: 'brand' }, icon('mug'), h('span', 'Tapster')),
      state,
      h('div', { class: 'top-right' },
        h('span', { class: 'who muted', title: link.identity }, link.clientId),
        choices(),
        iconButton({ label: t('core.signOut'), icon: 'leave', onClick: signOut }))),
    h('nav', { class: 'nav', 'aria-label': t('core.views') }, links),
    away,
    outlet);

  const off = link.onState((now) => {
    element.dataset.link = now;
    state.dataset.state = now;
    state.replaceChildren(h('span', { class: 'dot' }), h('span', { class: 'link-word' }, t(`core.link.${now}`)));
    away.hidden = now !== 'offline';
  });

  function show(view) {
    for (const each of links) {
      const here = each.dataset.view === (view.within ?? view.id);
      if (here) each.setAttribute('aria-current', 'page');
      else each.removeAttribute('aria-current');
    }
    document.title = `${t(view.title)} · Tapster`;
  }

  function close() {
    off();
    notice.close();
  }

  return { element, outlet, show, close };
}

/**
 * What is shown until the first connection stands.
 * @returns {{element: HTMLElement, close: () => void}}
 */
export function waiting({ link, cancel }) {
  const notice = awayNotice(link, { atFirst: true });
  const element = h('main', { class: 'sign-in' },
    h('div', { class: 'sign-in-card' },
      h('div', { class: 'brand' }, icon('mug'), h('h1', 'Tapster')),
      notice.element,
      button({ label: t('core.signOut'), onClick: cancel })));
  return { element, close: notice.close };
}

/** That Tapster is away, until when, and how not to wait. */
function awayNotice(link, { atFirst = false } = {}) {
  const words = h('p', { role: atFirst ? 'status' : 'alert' });
  const now = button({ label: t('core.tryNow'), onClick: () => link.tryNow() });
  const close = link.onState((state) => {
    const { backAt } = link;
    const gone = atFirst || state === 'offline';
    now.hidden = backAt === null;
    if (backAt !== null) words.textContent = t('core.awayUntil', { time: time(backAt) });
    else words.textContent = gone ? t('core.awayTrying') : '';
  });
  return { element: h('div', { class: 'away-notice' }, words, now), close };
}
