/**
 * The modules of the agent and its tests, loaded by ourselves: one file can be another one, and only what depends
 * on it is loaded again.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileFunction } from 'node:vm';
import { transformSync } from 'esbuild';

/** One file, and what it is instead: compiled. */
export interface Change {
  file: string;
  code: string;
}

export interface World {
  load(file: string): unknown;
}

interface Loaded {
  exports: object;
}

type Run = (require: (name: string) => unknown, module: Loaded, exports: object, url: string) => void;

const ownRequire = createRequire(import.meta.url);
const codes = new Map<string, string>();
const programs = new Map<string, Run>();
const dependencies = new Map<string, ReadonlySet<string>>();

/** TypeScript as the body of a CommonJS module. Throws for what does not parse. */
export function compile(source: string): string {
  return transformSync(source, {
    loader: 'ts',
    format: 'cjs',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__url' },
    logLevel: 'silent',
  }).code;
}

/** `packages` stand in for those of the same name; `base` lends what does not depend on the change. */
export function openWorld(packages: ReadonlyMap<string, unknown>, change?: Change, base?: World): World {
  const modules = new Map<string, Loaded>();

  function load(file: string): unknown {
    if (base && change && !dependsOn(file, change.file)) {
      return base.load(file);
    }
    const known = modules.get(file);
    if (known) {
      return known.exports;
    }
    const module: Loaded = { exports: {} };
    modules.set(file, module);
    if (file.endsWith('.json')) {
      module.exports = JSON.parse(readFileSync(file, 'utf8'));
    } else {
      const run = file === change?.file ? programOf(file, change.code) : unchanged(file);
      const required = (name: string) =>
        name.startsWith('.') ? load(resolve(dirname(file), name)) : (packages.get(name) ?? ownRequire(name));
      run(required, module, module.exports, pathToFileURL(file).href);
    }
    return module.exports;
  }

  return { load };
}

/** Everything that `file` loads, itself included, now or later. */
export function dependsOn(file: string, on: string): boolean {
  let all = dependencies.get(file);
  if (!all) {
    const found = new Set([file]);
    for (const one of found) {
      for (const [, name = ''] of codeOf(one).matchAll(/\brequire\("(\.[^"]+)"\)/g)) {
        found.add(resolve(dirname(one), name));
      }
    }
    all = found;
    dependencies.set(file, all);
  }
  return all.has(on);
}

function unchanged(file: string): Run {
  const program = programs.get(file) ?? programOf(file, codeOf(file));
  programs.set(file, program);
  return program;
}

function codeOf(file: string): string {
  const code = codes.get(file) ?? (file.endsWith('.json') ? '' : compile(readFileSync(file, 'utf8')));
  codes.set(file, code);
  return code;
}

function programOf(file: string, code: string): Run {
  return compileFunction(code, ['require', 'module', 'exports', '__url'], { filename: file }) as Run;
}
