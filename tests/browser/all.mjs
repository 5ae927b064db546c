// All tests of the console in one process, so that they share one house. One file alone
// runs as well: `node --test tests/browser/rooms.test.mjs`, once `make test-browser` has
// installed what they need.

import './secrets.test.mjs';
import './sign_in.test.mjs';
import './views.test.mjs';
import './overview.test.mjs';
import './requests.test.mjs';
import './instances.test.mjs';
import './rooms.test.mjs';
import './clients.test.mjs';
import './logs.test.mjs';
import './settings.test.mjs';
import './hostile.test.mjs';
import './away.test.mjs';
import './crowd.test.mjs';
