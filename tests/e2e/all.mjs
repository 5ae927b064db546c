// All end-to-end tests in one process, so that they share one house.

import './llm.test.mjs';
import './answers.test.mjs';
import './endings.test.mjs';
import './functions.test.mjs';
import './tabs.test.mjs';
import './coming_back.test.mjs';
import './three.test.mjs';
