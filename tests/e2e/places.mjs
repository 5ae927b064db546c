// Where things are.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));

export const PROJECT = join(HERE, '..', '..');
export const EXTENSION = join(PROJECT, 'extension');
export const BROWSER_FINDER = join(HERE, 'chromium.sh');
export const PACKAGE = join(HERE, 'node_modules', 'sillytavern');

/** What SillyTavern has compiled of its own, kept for its next fresh data root. */
export const COMPILED = join(HERE, 'node_modules', '.webpack');

/** Where pictures go; git knows nothing of it. */
export const PICTURES = join(HERE, 'pictures');
