// Where things are.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));

export const PROJECT = join(HERE, '..', '..');
export const BROWSER_FINDER = join(HERE, '..', 'e2e', 'chromium.sh');

/** Where pictures go; git knows nothing of it. */
export const PICTURES = join(HERE, 'pictures');
