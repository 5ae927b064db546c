// A real SillyTavern of the npm package, on a port and with a data root of its own.

import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { MODEL } from './llm.mjs';
import { COMPILED, EXTENSION, PACKAGE } from './places.mjs';
import { Child } from './processes.mjs';

/** The first start ever compiles SillyTavern's library. */
const START_TIMEOUT = 240_000;

/** The character that SillyTavern brings along, and the one that we add. */
export const SERAPHINA = { name: 'Seraphina', avatar: 'default_Seraphina.png' };
export const BARKEEPER = { name: 'Barkeeper', avatar: 'Barkeeper.png' };

const OFF = [
  'BROWSERLAUNCH_ENABLED',
  'EXTENSIONS_AUTOUPDATE',
  'EXTENSIONS_MODELS_AUTODOWNLOAD',
  'ENABLEDOWNLOADABLETOKENIZERS',
  'BACKUPS_CHAT_ENABLED',
  'ENABLESERVERPLUGINS',
  'WHITELISTDOCKERHOSTS',
];

// None of SillyTavern's own extensions matters here, and each costs time to load.
const DISABLED = [
  'assets',
  'attachments',
  'caption',
  'connection-manager',
  'expressions',
  'gallery',
  'memory',
  'quick-reply',
  'regex',
  'stable-diffusion',
  'token-counter',
  'translate',
  'tts',
  'vectors',
];

function environment() {
  const off = Object.fromEntries(OFF.map((name) => [`SILLYTAVERN_${name}`, 'false']));
  return {
    ...process.env,
    ...off,
    SILLYTAVERN_LOGGING_MINLOGLEVEL: '1',
    // The cache of the compiled library is keyed by the commit of the repository that
    // holds the package; without this, every commit of ours would compile it again.
    GIT_CEILING_DIRECTORIES: dirname(PACKAGE),
  };
}

async function isThere(path) {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** One instance; `extension` is what its settings say of ours, null to leave it out. */
export class SillyTavern {
  #child = null;

  constructor({ root, port, llm, extension }) {
    this.root = root;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.llm = llm;
    this.extension = extension;
  }

  get user() {
    return join(this.root, 'data', 'default-user');
  }

  /** Lay out the data root. */
  async prepare() {
    await mkdir(this.user, { recursive: true });
    const settings = JSON.stringify(await this.#settings(), null, 4);
    await writeFile(join(this.user, 'settings.json'), settings);
    if (this.extension) {
      await cp(EXTENSION, join(this.user, 'extensions', 'tapster'), { recursive: true });
    }
    if (await isThere(COMPILED)) {
      await cp(COMPILED, join(this.root, 'data', '_webpack'), { recursive: true });
    }
  }

  /** Start it, again or for the first time, and wait until it serves. */
  async start() {
    const args = {
      configPath: join(this.root, 'config.yaml'),
      dataRoot: join(this.root, 'data'),
      port: this.port,
      listen: false,
      enableIPv4: true,
      enableIPv6: false,
      browserLaunchEnabled: false,
      whitelist: true,
    };
    const line = Object.entries(args).flatMap(([name, value]) => [
      `--${name}`,
      `${value}`,
    ]);
    this.#child = new Child(
      `SillyTavern-${this.port}`,
      process.execPath,
      ['server.js', ...line],
      {
        cwd: PACKAGE,
        env: environment(),
        log: join(this.root, 'sillytavern.log'),
      },
    );
    await this.#child.says(/SillyTavern is listening on|Go to: http/, START_TIMEOUT);
    await this.#keepCompiled();
  }

  /** End it as a power cut would. */
  async kill() {
    await this.#child?.stop('SIGKILL');
    this.#child = null;
  }

  /** Add a character, as its own page would. */
  async addCharacter({ name }) {
    const asked = await fetch(`${this.url}/csrf-token`);
    const { token } = await asked.json();
    const cookies = asked.headers.getSetCookie().map((cookie) => cookie.split(';')[0]);
    const done = await fetch(`${this.url}/api/characters/create`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-CSRF-Token': token,
        Cookie: cookies.join('; '),
      },
      body: JSON.stringify({ ch_name: name, first_mes: 'What will it be?' }),
    });
    if (!done.ok) throw new Error(`SillyTavern refused the character: ${done.status}`);
  }

  // In a container it keeps the compiled library in its package by itself.
  async #keepCompiled() {
    const compiled = join(this.root, 'data', '_webpack');
    if ((await isThere(COMPILED)) || !(await isThere(compiled))) return;
    await cp(compiled, COMPILED, { recursive: true });
  }

  async #settings() {
    const shipped = join(PACKAGE, 'default', 'content', 'settings.json');
    const settings = JSON.parse(await readFile(shipped, 'utf8'));
    const { version } = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8'));
    return {
      ...settings,
      firstRun: false,
      currentVersion: version,
      main_api: 'openai',
      oai_settings: {
        ...settings.oai_settings,
        chat_completion_source: 'custom',
        custom_url: this.llm,
        custom_model: MODEL,
        stream_openai: true,
      },
      power_user: { ...settings.power_user, auto_connect: true, auto_load_chat: true },
      active_character: SERAPHINA.avatar,
      tag_map: { ...settings.tag_map, [SERAPHINA.avatar]: [] },
      extension_settings: {
        ...settings.extension_settings,
        disabledExtensions: DISABLED,
        ...(this.extension && { tapster: this.extension }),
      },
    };
  }
}
