/**
 * Builds the agent into dist/: holdfast.cjs, what it loads on demand, the catalogue and the licenses of what is
 * bundled. `--generate-only` makes only the code that comes from the schemas, which types and tests need.
 */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { compileConfigSchema, compileStateSchema } from './schemas/compile.mjs';
import { packCatalogue } from './schemas/pack-catalogue.mjs';

const OUTPUT = 'dist/holdfast.cjs';
/** Catalogue included; flash is what a router has least of. */
const BUDGET_BYTES = 160_000;

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
  { request: '../net/datagrams.ts', entry: 'agent/net/datagrams.ts', name: 'holdfast-datagrams' },
  { request: './schema-check.ts', entry: 'agent/providers/schema-check.ts', name: 'holdfast-schema' },
  { request: './tools.ts', entry: 'agent/cli/tools.ts', name: 'holdfast-tools' },
  { request: './import-ddns.ts', entry: 'agent/cli/import-ddns.ts', name: 'holdfast-import' },
  { request: './asking.ts', entry: 'agent/sources/asking.ts', name: 'holdfast-sources' },
  { request: './on-demand.ts', entry: 'agent/providers/on-demand.ts', name: 'holdfast-protocols' },
];

const keepApart = {
  name: 'keep-apart',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\/[\w/-]+\.ts$/ }, ({ path, kind }) => {
      const part = kind === 'dynamic-import' && ON_DEMAND.find(({ request }) => request === path);
      return part ? { path: `./${part.name}.cjs`, external: true } : undefined;
    });
  },
};

await compileConfigSchema();
await compileStateSchema();

if (!process.argv.includes('--generate-only')) {
  await mkdir('dist', { recursive: true });
  await writeFile('dist/catalogue.json', await packCatalogue());
  const result = await build({
    entryPoints: Object.fromEntries([
      ['holdfast', 'agent/main.ts'],
      ...ON_DEMAND.map(({ name, entry }) => [name, entry]),
    ]),
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    // One other character would make V8 keep the whole source with two bytes for each.
    charset: 'ascii',
    plugins: [leaveOutUnreachable, keepApart],
    banner: { js: '#!/usr/bin/env node' },
    legalComments: 'none',
    metafile: true,
  });
  await writeFile('dist/holdfast.meta.json', JSON.stringify(result.metafile));
  await writeFile('dist/licenses.txt', await licensesOf(result.metafile));
  const { size } = await stat(OUTPUT);
  const packed = gzipSync(await readFile(OUTPUT), { level: 9 }).length;
  console.log(`${OUTPUT}: ${size} bytes (budget ${BUDGET_BYTES}), ${packed} gzipped`);
  if (size > BUDGET_BYTES) {
    console.error(`The bundle is ${size - BUDGET_BYTES} bytes over its budget.`);
    process.exitCode = 1;
  }
}

/** The licenses of what is bundled, which their authors ask to be kept with every copy. */
async function licensesOf({ inputs }) {
  const packages = Object.keys(inputs).flatMap(
    (path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [],
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
