/**
 * Builds the agent once for all tests of this folder. They run a private copy, so that another build in the
 * same tree does not change the program under them.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { commandFor, type Runtime, type RuntimeCommand } from '../quickjs/runtime.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of the agent that was built for Node. */
    bundle: string;
    /** The runtime whose turn it is; Node unless the project says otherwise. */
    runtime: Runtime;
    /** How the built agent is started on it. */
    command: RuntimeCommand;
  }
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUNDLE = join(ROOT, 'dist/holdfast.cjs');

let copy: string | undefined;

export async function setup(project: TestProject): Promise<void> {
  const startedMs = Date.now();
  const { stderr } = spawnSync(process.execPath, ['build.mjs'], { cwd: ROOT, encoding: 'utf8' });
  // The size is for the build itself to complain about (status 1): what counts here is a fresh bundle.
  if ((statSync(BUNDLE, { throwIfNoEntry: false })?.mtimeMs ?? 0) < startedMs - 1000) {
    throw new Error(`node build.mjs made no bundle: ${stderr}`);
  }
  copy = mkdtempSync(join(tmpdir(), 'holdfast-bundle-'));
  cpSync(join(ROOT, 'dist'), copy, { recursive: true });
  project.provide('bundle', join(copy, 'holdfast.cjs'));
  project.provide('command', await commandFor(project.config.provide.runtime ?? 'node', copy));
}

export function teardown(): void {
  if (copy !== undefined) {
    rmSync(copy, { recursive: true, force: true });
  }
}
