/** Test files of this project in a real `qjs`: bundled with a stand-in for vitest, run in one process. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { findQjs, qjsFlags } from './qjs.ts';
import type { Told } from './vitest-on-qjs.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const STAND_INS: Record<string, string> = {
  vitest: join(ROOT, 'test/quickjs/vitest-on-qjs.ts'),
  'node:fs': join(ROOT, 'test/quickjs/node-on-qjs.ts'),
};

const onQjs: Plugin = {
  name: 'on-qjs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(vitest|node:\w+)$/ }, ({ path }) => {
      const standIn = STAND_INS[path];
      return standIn === undefined
        ? { errors: [{ text: `there is no stand-in for ${path}` }] }
        : { path: standIn };
    });
    onResolve({ filter: /^quickjs:/ }, ({ path }) => ({
      path: path.replace('quickjs:', ''),
      external: true,
    }));
    // In a bundle each module would have the bundle's own address.
    onLoad({ filter: /[/\\]test[/\\].*\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        JSON.stringify(pathToFileURL(path).href),
      ),
      loader: 'ts',
    }));
  },
};

/** `files` from the root of the project. Writes the bundle into the folder; returns its path. */
export async function bundleSuite(files: readonly string[], folder: string): Promise<string> {
  const outfile = join(folder, 'suite.mjs');
  const lines = [
    "import { beginFile, failWith, runAll } from './test/quickjs/vitest-on-qjs.ts';",
    "import './test/quickjs/node-on-qjs.ts';",
    // Not awaited at the top, where QuickJS looks for due timers after each promise and not after all of them.
    'async function main() {',
    ...files.map((file) => `beginFile(${JSON.stringify(file)}); await import('./${file}');`),
    'await runAll();',
    '}',
    'main().catch((error) => failWith(error));',
  ];
  await build({
    stdin: { contents: lines.join('\n'), resolveDir: ROOT, loader: 'ts' },
    ...{ bundle: true, format: 'esm', platform: 'neutral', target: 'es2022', outfile },
    mainFields: ['module', 'main'],
    plugins: [onQjs],
  });
  return outfile;
}

/** How each test ended, in order. Rejects when the process itself fails. */
export async function runSuite(bundle: string): Promise<Told[]> {
  const { path, version } = await findQjs();
  const child = spawn(path, [...qjsFlags(version), bundle], { stdio: ['ignore', 'pipe', 'pipe'] });
  const told: Told[] = [];
  let stderr = '';
  createInterface({ input: child.stdout }).on('line', (line) => told.push(JSON.parse(line)));
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (status !== 0) {
    throw new Error(`qjs ended with ${status} after ${told.length} tests: ${stderr}`);
  }
  return told;
}
