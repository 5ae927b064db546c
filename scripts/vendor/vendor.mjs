// Fill broker/http/vendor/: what browsers get from /lib, its licences, and a list.
// The extension, which stands alone, has a copy of its Socket.IO client and of those
// licences in extension/vendor/. What only the console draws with is in web/lib/.
//
// Run by `make vendor`, which installs exactly what package-lock.json names. What
// socket.io-client ships built is copied as it is; the other two are bundled, with
// stand-ins for what the stream library takes from Node.

import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const HERE = dirname(fileURLToPath(import.meta.url));
const PACKAGES = join(HERE, 'node_modules');
const TARGET = join(HERE, '..', '..', 'broker', 'http', 'vendor');

const EXTENSION = join(HERE, '..', '..', 'extension', 'vendor');

const CONSOLE = join(HERE, '..', '..', 'web', 'lib');

/** What the extension imports. */
const EXTENSIONS_OWN = 'socket.io.esm.min.js';

const COPIED = ['socket.io.esm.min.js', 'socket.io.min.js'];
const BUNDLED = {
  'node-socketio-stream.js': {
    inject: [join(HERE, 'entries', 'node.js')],
    define: { global: 'globalThis' },
    alias: { stream: 'stream-browserify' },
  },
  'uuid.js': {},
};

/** What the ready-made files of socket.io-client have inside them. */
const INSIDE_SOCKET_IO = [
  '@socket.io/component-emitter',
  'engine.io-client',
  'engine.io-parser',
  'socket.io-client',
  'socket.io-parser',
];

/** What the console draws with: its script, and what that looks like. */
const CONSOLES_OWN = { script: 'uPlot.js', style: 'uPlot.css' };

/** Bundle one file; the folders of the packages that went into it. */
async function bundle(name, options, target = TARGET) {
  const { metafile } = await build({
    absWorkingDir: HERE,
    entryPoints: [join('entries', name)],
    outfile: join(target, name),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2020',
    minify: true,
    legalComments: 'none', // the licences stand beside the files, whole
    metafile: true,
    banner: { js: '/* Licences of what is in here: licences/ in this folder. */' },
    ...options,
  });
  // "(disabled)" is what esbuild calls a module that a package does without.
  const inputs = Object.keys(metafile.inputs).filter((path) => path.startsWith('node_'));
  return [...new Set(inputs.map(packageFolder))];
}

/** `node_modules/a/node_modules/@b/c/d.js` is of the package `…/@b/c`. */
function packageFolder(path) {
  return join(HERE, /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)[0]);
}

/** A package's own licence files; where it has none, the words of its README. */
async function licenceText(folder) {
  const files = (await readdir(folder)).filter((file) => /^licen[cs]e/i.test(file));
  const named = files.filter((file) => file !== 'LICENSES');
  const texts = named.map((file) => readFile(join(folder, file), 'utf8'));
  if (files.includes('LICENSES')) {
    for (const file of (await readdir(join(folder, 'LICENSES'))).sort()) {
      texts.push(readFile(join(folder, 'LICENSES', file), 'utf8'));
    }
  }
  if (texts.length > 0) return (await Promise.all(texts)).join('\n\n');
  const readme = (await readdir(folder)).find((file) => /^readme/i.test(file));
  const section = /^#+ *licen[cs]e.*$[^]*/im.exec(
    await readFile(join(folder, readme), 'utf8'),
  );
  if (section === null) throw new Error(`${folder} does not say its licence`);
  return section[0];
}

async function describe(folder) {
  const text = await readFile(join(folder, 'package.json'), 'utf8');
  const { name, version, license = 'see text' } = JSON.parse(text);
  return { name, version, license, folder };
}

async function writeLicence({ name, version, folder }, target = TARGET) {
  const file = `${name.replace('/', '-').replace('@', '')}-${version}.txt`;
  const text = (await licenceText(folder)).replaceAll('\r\n', '\n');
  await writeFile(join(target, 'licences', file), `${text.trim()}\n`);
  return file;
}

async function writeReadme(contents) {
  const lines = [
    '# What browsers get from `/lib` and `/socket.io`',
    '',
    'Made by `make vendor` from packages of the npm registry; do not edit.',
    'The packages inside each file, and their licences in `licences/`:',
  ];
  for (const [file, packages] of Object.entries(contents)) {
    lines.push('', `## ${file}`, '');
    lines.push('| package | version | licence | text |', '| --- | --- | --- | --- |');
    for (const { name, version, license, text } of packages) {
      const link = `https://www.npmjs.com/package/${name}/v/${version}`;
      lines.push(`| [${name}](${link}) | ${version} | ${license} | ${text} |`);
    }
  }
  await writeFile(join(TARGET, 'README.md'), `${lines.join('\n')}\n`);
}

/** Give the extension what it imports, and the licences of that. */
async function fillExtension(packages) {
  await rm(EXTENSION, { recursive: true, force: true });
  await mkdir(join(EXTENSION, 'licences'), { recursive: true });
  await copyFile(join(TARGET, EXTENSIONS_OWN), join(EXTENSION, EXTENSIONS_OWN));
  for (const { text } of packages) {
    await copyFile(join(TARGET, 'licences', text), join(EXTENSION, 'licences', text));
  }
}

/** Give the console what it draws with, and the licences of that. */
async function fillConsole() {
  await rm(CONSOLE, { recursive: true, force: true });
  await mkdir(join(CONSOLE, 'licences'), { recursive: true });
  const { script, style } = CONSOLES_OWN;
  for (const folder of await bundle(script, {}, CONSOLE)) {
    await writeLicence(await describe(folder), CONSOLE);
  }
  await copyFile(join(PACKAGES, 'uplot', 'dist', 'uPlot.min.css'), join(CONSOLE, style));
}

async function main() {
  await rm(TARGET, { recursive: true, force: true });
  await mkdir(join(TARGET, 'licences'), { recursive: true });
  const folders = {};
  for (const file of COPIED) {
    await copyFile(join(PACKAGES, 'socket.io-client', 'dist', file), join(TARGET, file));
    folders[file] = INSIDE_SOCKET_IO.map((name) => join(PACKAGES, name));
  }
  for (const [file, options] of Object.entries(BUNDLED)) {
    folders[file] = await bundle(file, options);
  }
  const contents = {};
  for (const [file, inside] of Object.entries(folders)) {
    const packages = await Promise.all(inside.map(describe));
    packages.sort((one, other) => one.name.localeCompare(other.name));
    contents[file] = [];
    for (const each of packages) {
      contents[file].push({ ...each, text: await writeLicence(each) });
    }
  }
  await writeReadme(contents);
  await fillExtension(contents[EXTENSIONS_OWN]);
  await fillConsole();
}

await main();
