/**
 * The tests of decisions in one warm process, again and again: started by `main.ts` in a copy of the tree, which
 * changes one file, says which, and hears what noticed it. It is killed when a change makes an endless loop.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { BaseSequencer, createVitest, type TestModule, type TestSpecification } from 'vitest/node';
import projects from '../../vitest.config.ts';

/** To the suite: this file has changed, relative to the copy. */
export interface Ask {
  file: string;
}

/** From the suite; `noticedBy` is a test, or the file that could not even be loaded. */
export type Told = { ready: number } | { noticedBy?: string };

/** Of all generated lives: what a tenth of them does not notice is hardly tested. */
const SHARE_OF_RUNS = 0.1;
/** Properties of whole lives; those of the other rooms say little of decisions. */
const RULES = /^test\/(?:core|scenario)\//;

class AsGiven extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files;
  }
}

const [root = ''] = process.argv.slice(2);
const vitest = await createVitest(
  'test',
  {
    root,
    config: false,
    watch: false,
    reporters: [{}],
    bail: 1,
    // One thread dies with the process, whatever it loops in; decisions leave nothing behind for the next file.
    pool: 'threads',
    maxWorkers: 1,
    isolate: false,
    // Whether a test is slow says nothing of the change; an endless one is ended from outside.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    sequence: { sequencer: AsGiven },
    ...patterns(),
  },
  { plugins: [fewerRuns()], clearScreen: false, logLevel: 'silent' },
);
const imports = new Map<string, string[]>();
const durationsMs = new Map<string, number>();
const core = join(root, 'agent/core/');
const all = (await vitest.globTestSpecifications()).filter(({ moduleId }) =>
  [...reachedFrom(moduleId)].some((file) => file.startsWith(core)),
);
const noticedBy = await run(all);
if (noticedBy !== undefined) {
  tell({ noticedBy });
  process.exit(1);
}
let before: string | undefined;
process.on('message', ({ file }: Ask) => {
  const changed = join(root, file);
  // The one before is as it was again.
  for (const one of [before ?? changed, changed]) {
    vitest.invalidateFile(one);
  }
  before = changed;
  run(specificationsFor(changed)).then(
    (test) => tell(test === undefined ? {} : { noticedBy: test }),
    () => process.exit(1),
  );
});
process.on('disconnect', () => process.exit());
tell({ ready: all.length });

function tell(told: Told): void {
  process.send?.(told);
}

/** What `vitest.config.ts` counts as tests without sockets. */
function patterns(): { include: string[]; exclude: string[] } {
  const [unit, rules] = ['unit', 'rules'].map((name) =>
    (projects.test?.projects ?? []).flatMap((project) =>
      typeof project === 'object' && 'test' in project && project.test?.name === name ? project.test : [],
    ),
  );
  const lives = (rules ?? []).flatMap(({ include = [] }) => include);
  const wanted = lives.filter((pattern) => RULES.test(pattern));
  return {
    include: [...(unit ?? []).flatMap(({ include = [] }) => include), ...wanted],
    exclude: (unit ?? []).flatMap(({ exclude = [] }) => exclude).filter((one) => !wanted.includes(one)),
  };
}

/** Gives fast-check fewer runs, always the same ones, and lets it stop at the first that fails. */
function fewerRuns() {
  const id = '\0fewer-runs';
  return {
    name: 'fewer-runs',
    enforce: 'pre' as const,
    resolveId: (source: string, importer?: string) =>
      source === 'fast-check' && importer !== id ? id : undefined,
    load: (source: string) =>
      source === id
        ? `import fc from 'fast-check';
           export * from 'fast-check';
           export function assert(property, { numRuns = 100, ...rest } = {}) {
             const fewer = Math.ceil(numRuns * ${SHARE_OF_RUNS});
             return fc.assert(property, { ...rest, numRuns: fewer, seed: 1, endOnFailure: true });
           }
           export default { ...fc, assert };`
        : undefined,
  };
}

/** The name of a test that failed. */
async function run(specifications: readonly TestSpecification[]): Promise<string | undefined> {
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications([...specifications]);
  const asked = new Set(specifications.map(({ moduleId }) => moduleId));
  const found = testModules.filter(({ moduleId }) => asked.has(moduleId)).flatMap(failureOf);
  return found[0] ?? (unhandledErrors.length > 0 ? String(unhandledErrors[0]) : undefined);
}

function failureOf(module: TestModule): string[] {
  const { duration } = module.diagnostic();
  if (!durationsMs.has(module.moduleId)) {
    durationsMs.set(module.moduleId, duration);
  }
  const failed = [...module.children.allTests('failed')].map(({ fullName }) => fullName);
  const file = relative(root, module.moduleId);
  const trouble = failed[0] ?? module.errors()[0]?.message ?? 'cannot be loaded';
  return module.ok() ? [] : [`${file}: ${trouble}`];
}

/** The tests that load this file, quick ones first. */
function specificationsFor(changed: string): TestSpecification[] {
  const costMs = ({ moduleId }: TestSpecification) => durationsMs.get(moduleId) ?? 0;
  return all
    .filter(({ moduleId }) => reachedFrom(moduleId).has(changed))
    .sort((a, b) => costMs(a) - costMs(b));
}

function reachedFrom(from: string): Set<string> {
  const seen = new Set([from]);
  for (const file of seen) {
    for (const next of importsOf(file)) {
      seen.add(next);
    }
  }
  return seen;
}

function importsOf(file: string): string[] {
  const known = imports.get(file);
  if (known) {
    return known;
  }
  const source = file.endsWith('.ts') ? readFileSync(file, 'utf8') : '';
  const found = [...source.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, path = '']) =>
    resolve(dirname(file), path),
  );
  imports.set(file, found);
  return found;
}
