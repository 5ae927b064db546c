/**
 * Icons, drawn as SVG in the colour of the text around them.
 *
 * Owns their lines, on a grid of 24. Each is decoration: what it means stands beside
 * it or in its button's label.
 */

const SVG = 'http://www.w3.org/2000/svg';

const PATHS = Object.freeze({
  overview: 'M4 13h6V4H4zM14 20h6v-9h-6zM14 4v3h6V4zM4 20h6v-3H4z',
  requests: 'M4 6h16M4 12h10M4 18h7M17 14v6M14 17l3 3 3-3',
  instances: 'M4 4h16v6H4zM4 14h16v6H4zM8 7h.01M8 17h.01',
  rooms: 'M4 5h16v11H9l-5 4zM8 9h8M8 12h5',
  clients: 'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7M3 20v-1a6 6 0 0 1 12 0v1M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14.500a6 6 0 0 1 3 4.500v1',
  logs: 'M6 3h9l4 4v14H6zM14 3v5h5M9 13h7M9 17h5',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4',
  language: 'M3 6h10M8 4v2M5 6c1 4 4 6 7 7M11 6c-1 4-4 6-7 7M12 20l4-10 4 10M13.500 17h5',
  auto: 'M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18z',
  light: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.500 1.500M17.500 17.500 19 19M19 5l-1.500 1.500M6.500 17.500 5 19',
  dark: 'M20 14.500A8.500 8.500 0 1 1 9.500 4a7 7 0 0 0 10.500 10.500',
  leave: 'M14 4H5v16h9M10 12h11M17 8l4 4-4 4',
  mug: 'M5 8h11v11a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2zM16 11h2.500a1.500 1.500 0 0 1 1.500 1.500v3a1.500 1.500 0 0 1-1.500 1.500H16M9 12v5M12.500 12v5M5 8a3 3 0 0 1 1-4.500 3.500 3.500 0 0 1 6-.5 3 3 0 0 1 4 5',
  add: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.500 10 17 19 7',
  remove: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5',
  edit: 'M4 20l1-4L16 5l3 3L8 19zM14 7l3 3',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l4 4',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  key: 'M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8M11 12l9-9M16 7l3 3M13.500 9.500l2 2',
  stop: 'M6 6h12v12H6z',
  play: 'M7 4l12 8-12 8z',
  pause: 'M8 5v14M16 5v14',
  send: 'M4 12 20 4l-5 16-3.500-7zM11.500 13 20 4',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  refresh: 'M20 11a8 8 0 1 0-1 5M20 5v6h-6',
  drain: 'M6 4h12l-5 8v6l-2 2v-8z',
  warning: 'M12 4 2.500 20h19zM12 10v4M12 17h.01',
  info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v5M12 8h.01',
  mute: 'M4 9v6h4l5 4V5L8 9zM17 9l4 6M21 9l-4 6',
  back: 'M20 12H5M11 6l-6 6 6 6',
  next: 'M9 5l7 7-7 7',
  up: 'M6 15l6-6 6 6',
  down: 'M6 9l6 6 6-6',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  move: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
});

/**
 * Draw one.
 * @param {keyof PATHS} name one that is not known is drawn as `info`
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const attributes = { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true', focusable: 'false' };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name] ?? PATHS.info);
  svg.append(path);
  return svg;
}
