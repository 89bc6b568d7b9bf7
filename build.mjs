/**
 * Builds the agent: `node build.mjs` writes dist/holdfast.cjs, `--generate-only` only the code that is
 * generated from the schemas (validators), which the type checker and the tests need.
 */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { compileConfigSchema, compileStateSchema } from './schemas/compile.mjs';

const OUTPUT = 'dist/holdfast.cjs';
/** Catalogue included; flash is what a router has least of. */
const BUDGET_BYTES = 160 * 1024;

await compileConfigSchema();
await compileStateSchema();

if (!process.argv.includes('--generate-only')) {
  await mkdir('dist', { recursive: true });
  const result = await build({
    entryPoints: ['agent/main.ts'],
    outfile: OUTPUT,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    // fetch-blob asks for it only where Node has no web streams of its own.
    external: ['web-streams-polyfill'],
    banner: { js: '#!/usr/bin/env node' },
    legalComments: 'none',
    metafile: true,
  });
  await writeFile('dist/holdfast.meta.json', JSON.stringify(result.metafile));
  const { size } = await stat(OUTPUT);
  const packed = gzipSync(await readFile(OUTPUT), { level: 9 }).length;
  console.log(`${OUTPUT}: ${size} bytes (budget ${BUDGET_BYTES}), ${packed} gzipped`);
  if (size > BUDGET_BYTES) {
    console.error(`The bundle is ${size - BUDGET_BYTES} bytes over its budget.`);
    process.exitCode = 1;
  }
}
