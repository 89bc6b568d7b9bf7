/**
 * Builds the agent into dist/: for Node holdfast.cjs, for QuickJS holdfast.mjs, what each loads on demand, the
 * catalogue and the licenses of what is bundled. `--generate-only` makes only the code that comes from the
 * schemas, which types and tests need.
 */
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';
import { compileConfigSchema, compileStateSchema } from './schemas/compile.mjs';
import { packCatalogue } from './schemas/pack-catalogue.mjs';

/** Most bytes of each bundle; flash is what a router has least of. */
const BUDGET_BYTES = { 'dist/holdfast.cjs': 160_000, 'dist/holdfast-agent.mjs': 140_000 };

/**
 * Parts of node-fetch that no request of ours can reach: forms and blobs (our bodies are text), `data:` URLs
 * (net/http.ts takes only http and https) and the Referer (none is ever set; redirects are `manual`). What
 * stands in for each has the same names and throws if it is reached all the same.
 */
const UNREACHABLE = {
  'node-fetch/src/utils/multipart-parser.js': 'export function toFormData() { unreachable(); }',
  'node-fetch/src/utils/referrer.js': `
    export const DEFAULT_REFERRER_POLICY = 'no-referrer';
    export function validateReferrerPolicy(policy) { return policy; }
    export function determineRequestsReferrer() { unreachable(); }
    export function parseReferrerPolicyFromHeader() { unreachable(); }`,
  'formdata-polyfill/esm.min.js': `
    export class FormData { constructor() { unreachable(); } }
    export function formDataToBlob() { unreachable(); }`,
  'fetch-blob/index.js': 'export default class Blob { constructor() { unreachable(); } }',
  'fetch-blob/from.js': `
    export class Blob { constructor() { unreachable(); } }
    export const File = Blob;
    export const fileFromSync = unreachable, fileFrom = unreachable;
    export const blobFromSync = unreachable, blobFrom = unreachable;`,
  'data-uri-to-buffer/dist/index.js': 'export default unreachable;',
};

/** Fails the build when a part is no longer there to be left out: then node-fetch has changed. */
const leaveOutUnreachable = {
  name: 'leave-out-unreachable',
  setup({ onLoad, onEnd }) {
    const waiting = new Set(Object.keys(UNREACHABLE));
    onLoad({ filter: /[/\\]node_modules[/\\].*\.js$/ }, ({ path }) => {
      const part = path.replaceAll('\\', '/').split('/node_modules/').at(-1);
      if (!Object.hasOwn(UNREACHABLE, part)) {
        return undefined;
      }
      waiting.delete(part);
      const unreachable = `function unreachable() { throw new Error('left out of the bundle: ${part}'); }`;
      return { contents: `${unreachable}\n${UNREACHABLE[part]}`, loader: 'js' };
    });
    onEnd(() => ({ errors: [...waiting].map((part) => ({ text: `${part} is not part of the bundle` })) }));
  },
};

/** Parts that most routers never need are files of their own, which the agent loads when it meets the first user. */
const ON_DEMAND = [
  { on: '.cjs', request: '../net/datagrams.ts', entry: 'agent/net/datagrams.ts', name: 'holdfast-datagrams' },
  { on: '.cjs', request: '../net/dns.ts', entry: 'agent/net/dns.ts', name: 'holdfast-dns' },
  { on: '.mjs', request: './quickjs-dns.ts', entry: 'agent/hosts/quickjs-dns.ts', name: 'holdfast-dns' },
  { request: './configuration.ts', entry: 'agent/cli/configuration.ts', name: 'holdfast-config' },
  {
    on: '.mjs',
    request: './cli/configuration.ts',
    entry: 'agent/cli/configuration.ts',
    name: 'holdfast-config',
  },
  { on: '.mjs', request: './quickjs-rsa.ts', entry: 'agent/hosts/quickjs-rsa.ts', name: 'holdfast-rsa' },
  {
    on: '.mjs',
    request: './quickjs-trouble.ts',
    entry: 'agent/hosts/quickjs-trouble.ts',
    name: 'holdfast-trouble',
  },
  { on: '.mjs', request: './orphans.ts', entry: 'agent/cli/orphans.ts', name: 'holdfast-orphans' },
  { request: './loading.ts', entry: 'agent/store/loading.ts', name: 'holdfast-loading' },
  { request: './checks/verifier.ts', entry: 'agent/engine/checks/verifier.ts', name: 'holdfast-checks' },
  { request: './schema-check.ts', entry: 'agent/providers/schema-check.ts', name: 'holdfast-schema' },
  { request: './tools.ts', entry: 'agent/cli/tools.ts', name: 'holdfast-tools' },
  { request: './import-ddns.ts', entry: 'agent/cli/import-ddns.ts', name: 'holdfast-import' },
  { request: './device.ts', entry: 'agent/sources/device.ts', name: 'holdfast-device' },
  { request: './asking.ts', entry: 'agent/sources/asking.ts', name: 'holdfast-sources' },
  { request: './engine/alias.ts', entry: 'agent/engine/alias.ts', name: 'holdfast-alias' },
  { request: './engine/notify.ts', entry: 'agent/engine/notify.ts', name: 'holdfast-notify' },
  { request: '../engine/notify.ts', entry: 'agent/engine/notify.ts', name: 'holdfast-notify' },
  { request: './protocols/get.ts', entry: 'agent/providers/protocols/get.ts', name: 'holdfast-get' },
  { request: './on-demand.ts', entry: 'agent/providers/on-demand.ts', name: 'holdfast-protocols' },
];

/** `ending` of the files of a bundle, which are also its runtime's. */
function partsFor(ending) {
  return ON_DEMAND.filter(({ on = ending }) => on === ending);
}

function entriesOf(ending) {
  return Object.fromEntries(partsFor(ending).map(({ name, entry }) => [name, entry]));
}

function keepApart(ending) {
  return {
    name: 'keep-apart',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\.?\/[\w/-]+\.ts$/ }, ({ path, kind }) => {
        const part = kind === 'dynamic-import' && partsFor(ending).find(({ request }) => request === path);
        return part ? { path: `./${part.name}${ending}`, external: true } : undefined;
      });
    },
  };
}

/** To the compiler the modules of QuickJS have a prefix, for Node has an `os` too. */
const quickjsModules = {
  name: 'quickjs-modules',
  setup({ onResolve }) {
    onResolve({ filter: /^quickjs:/ }, ({ path }) => ({
      path: path.replace('quickjs:', ''),
      external: true,
    }));
  },
};

/** A part is a script there, whose value is the module: see agent/hosts/quickjs-parts.ts. */
const AS_SCRIPT = {
  format: 'cjs',
  banner: { js: '(module=>{' },
  footer: { js: 'return module.exports})({})' },
};

/** What QuickJS compiles at once, see agent/start-quickjs.ts. Smaller pieces save nothing more. */
const PIECE_CHARS = 16_000;

/** Cuts a bundle between two of its modules: esbuild names each in a comment as long as nothing is made smaller. */
async function cutIntoScripts(bundled) {
  const modules = bundled
    .replaceAll(/^import \* as ([\w$]+) from "(os|std)";$/gm, 'var $1 = quickjs.$2;')
    .split(/^(?=\/\/ \S+$)/m);
  const pieces = [''];
  for (const module of modules) {
    const { code } = await transform(module, { minifyWhitespace: true, charset: 'ascii' });
    if (pieces.at(-1) !== '' && pieces.at(-1).length + code.length > PIECE_CHARS) {
      pieces.push('');
    }
    pieces[pieces.length - 1] += code;
  }
  return pieces.map((piece) => `"use strict";${piece}`).join('//\n');
}

/** QuickJS computes it whenever it is met, and its first power brings 0.2 MB of mathematics into the process. */
function powerOfTwo(_, exponent) {
  return String(2 ** Number(exponent));
}

/** What MD5 computes of sines when it is loaded, in its file of @noble/hashes; RFC 1321 section 3.4. */
const TABLE_OF_SINES = 'Array.from({ length: 64 }, (_, i) => Math.floor(p32 * Math.abs(Math.sin(i + 1))))';

/** The numbers themselves in its place: sines bring as much of mathematics as powers, to all who load a protocol. */
const withoutSines = {
  name: 'without-sines',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]@noble[/\\]hashes[/\\]legacy\.js$/ }, async ({ path }) => {
      const [before, after, ...more] = (await readFile(path, 'utf8')).split(TABLE_OF_SINES);
      if (after === undefined || more.length > 0) {
        return { errors: [{ text: 'the table of MD5 is no longer what it was' }] };
      }
      const sines = Array.from({ length: 64 }, (_, i) => Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))));
      return { contents: `${before}[${sines}]${after}`, loader: 'js' };
    });
  },
};

/** Writes what is built, with parts of the program loaded as such scripts. */
const loadAsScripts = {
  name: 'load-as-scripts',
  setup({ initialOptions, onEnd }) {
    initialOptions.write = false;
    onEnd(async ({ outputFiles = [] }) => {
      for (const { path, text } of outputFiles) {
        const whole = initialOptions.minify ? text : await cutIntoScripts(text);
        const loading = whole.replaceAll(/\bimport\("\.\/([\w-]+\.mjs)"\)/g, 'loadPart("$1")');
        await writeFile(path, loading.replaceAll(/\b2\*\*(\d+)\b/g, powerOfTwo));
      }
    });
  },
};

function bundle(ending, entries, options) {
  return build({
    entryPoints: entries,
    outdir: 'dist',
    outExtension: { '.js': ending },
    bundle: true,
    minify: true,
    // One other character would make V8 keep the whole source with two bytes for each.
    charset: 'ascii',
    legalComments: 'none',
    metafile: true,
    ...options,
  });
}

await compileConfigSchema();
await compileStateSchema();

if (!process.argv.includes('--generate-only')) {
  await mkdir('dist', { recursive: true });
  await writeFile('dist/catalogue.json', await packCatalogue());
  const node = await bundle(
    '.cjs',
    { holdfast: 'agent/main-node.ts', ...entriesOf('.cjs') },
    {
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      // By require: import() brings Node's whole loader of ES modules, and parses each part once more.
      supported: { 'dynamic-import': false },
      plugins: [leaveOutUnreachable, keepApart('.cjs')],
      banner: { js: '#!/usr/bin/env node' },
    },
  );
  const onQuickjs = {
    platform: 'neutral',
    target: 'es2022',
    format: 'esm',
    mainFields: ['module', 'main'],
    plugins: [quickjsModules, keepApart('.mjs'), withoutSines, loadAsScripts],
  };
  const inPieces = { 'holdfast-agent': 'agent/main-quickjs.ts' };
  const programs = {
    holdfast: 'agent/start-quickjs.ts',
    'holdfast-reader': 'agent/main-quickjs-reader.ts',
    'holdfast-checker': 'agent/main-quickjs-checker.ts',
  };
  const parts = entriesOf('.mjs');
  const agent = { minify: false, minifyIdentifiers: true, minifySyntax: true };
  await bundle('.mjs', inPieces, { ...onQuickjs, ...agent });
  await bundle('.mjs', programs, onQuickjs);
  await bundle('.mjs', parts, { ...onQuickjs, ...AS_SCRIPT });
  await removeOthers('.mjs', Object.keys({ ...inPieces, ...programs, ...parts }));
  // What runs on QuickJS is a part of what runs on Node.
  await writeFile('dist/holdfast.meta.json', JSON.stringify(node.metafile));
  await writeFile('dist/licenses.txt', await licensesOf(node.metafile));
  for (const [file, budgetBytes] of Object.entries(BUDGET_BYTES)) {
    const { size } = await stat(file);
    const packed = gzipSync(await readFile(file), { level: 9 }).length;
    console.log(`${file}: ${size} bytes (budget ${budgetBytes}), ${packed} gzipped`);
    if (size > budgetBytes) {
      console.error(`The bundle is ${size - budgetBytes} bytes over its budget.`);
      process.exitCode = 1;
    }
  }
}

/** The package takes all files of this ending: what an earlier build has left must go. */
async function removeOthers(ending, names) {
  const built = names.map((name) => name + ending);
  const others = (await readdir('dist')).filter((name) => name.endsWith(ending) && !built.includes(name));
  await Promise.all(others.map((name) => rm(`dist/${name}`)));
}

/** The licenses of what is bundled, which their authors ask to be kept with every copy. */
async function licensesOf({ inputs }) {
  // Where node_modules is a symbolic link, the paths lead out of this folder.
  const packages = Object.keys(inputs).flatMap(
    (path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [],
  );
  const texts = [...new Set(packages)].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
    const file = (await readdir(folder)).find((one) => /^licen[cs]e/i.test(one));
    const text =
      file === undefined ? `License: ${license}` : (await readFile(`${folder}/${file}`, 'utf8')).trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  return (await Promise.all(texts)).join('\n----\n\n');
}
