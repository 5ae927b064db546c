// All end-to-end tests in one process, so that they share one house. One file alone runs
// as well: `node --test tests/e2e/tabs.test.mjs`, once `make e2e` has installed it all.

import './llm.test.mjs';
import './answers.test.mjs';
import './endings.test.mjs';
import './functions.test.mjs';
import './tabs.test.mjs';
import './coming_back.test.mjs';
import './three.test.mjs';
