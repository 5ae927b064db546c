/**
 * What stands around every view: the name, the way between views, the connection.
 *
 * Owns its element and the outlet in it. Says when Tapster is away, and when it is back.
 */

import { choices } from './choices.js';
import { button, h, iconButton } from './element.js';
import { icon } from './icon.js';
import { t } from './i18n.js';
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
  const away = h('div', { class: 'away', role: 'alert', hidden: true });
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
    const gone = now === 'offline';
    away.hidden = !gone;
    away.textContent = gone ? t('core.awayTrying') : '';
  });

  function show(view) {
    for (const each of links) {
      const here = each.dataset.view === (view.within ?? view.id);
      if (here) each.setAttribute('aria-current', 'page');
      else each.removeAttribute('aria-current');
    }
    document.title = `${t(view.title)} · Tapster`;
  }

  return { element, outlet, show, close: off };
}

/** What is shown until the first connection stands. */
export function waiting({ cancel }) {
  return h('main', { class: 'sign-in' },
    h('div', { class: 'sign-in-card', role: 'status' },
      h('div', { class: 'brand' }, icon('mug'), h('h1', 'Tapster')),
      h('p', t('core.awayTrying')),
      button({ label: t('core.signOut'), onClick: cancel })));
}
