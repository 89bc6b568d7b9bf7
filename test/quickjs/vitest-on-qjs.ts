/**
 * What suites need of vitest, for `qjs`: they run one test after the other, and each tells how it ended as a line
 * of JSON. Whatever is missing here fails the bundling or the test, never passes.
 */
import * as std from 'quickjs:std';
import { expectOnQjs, shown } from './expect-on-qjs.ts';

export interface Told {
  file: string;
  name: string;
  /** Why it failed. */
  fault?: string;
}

type Body = (...row: never[]) => unknown;
type Step = () => unknown;

interface Block {
  names: string[];
  before: Step[];
  outer?: Block;
}

interface Test {
  file: string;
  name: string;
  block: Block;
  run: Step;
}

const tests: Test[] = [];
let file = '';
let block: Block = { names: [], before: [] };
let afterwards: Step[] = [];

/** Everything that is registered from now on belongs to this file. */
export function beginFile(name: string): void {
  file = name;
  block = { names: [], before: [] };
}

function register(name: string, run: Step): void {
  tests.push({ file, name: [...block.names, name].join(' > '), block, run });
}

function group(name: string, run: Step): void {
  const outer = block;
  block = { names: [...outer.names, name], before: [], outer };
  run();
  block = outer;
}

function forEachRow(add: (name: string, run: Step) => void) {
  return (rows: readonly unknown[]) => (name: string, body: Body) => {
    for (const row of rows) {
      const values = Array.isArray(row) ? row : [row];
      add(named(name, values), () => body(...(values as never[])));
    }
  };
}

/** Good enough to find the row again. */
function named(name: string, values: readonly unknown[]): string {
  let next = 0;
  return name.replace(/%[sdijo#]|\$(\w+)/g, (_, property?: string) => {
    const value = property === undefined ? values[next++] : Reflect.get(Object(values[0]), property);
    return typeof value === 'string' ? value : shown(value);
  });
}

export const test = Object.assign(register, { each: forEachRow(register) });
export const describe = Object.assign(group, { each: forEachRow(group) });
export const expect = expectOnQjs;
export const vi = { setConfig() {} };

export function beforeAll(run: Step): void {
  block.before.push(run);
}

export function onTestFinished(run: Step): void {
  afterwards.push(run);
}

async function prepare({ outer, before }: Block): Promise<void> {
  if (outer) {
    await prepare(outer);
  }
  for (const run of before.splice(0)) {
    await run();
  }
}

export async function runAll(): Promise<void> {
  for (const { file: of, name, block: inside, run } of tests) {
    const faults: string[] = [];
    const attempt = async (step: Step) => {
      try {
        await step();
      } catch (error) {
        faults.push(error instanceof Error ? `${error}\n${error.stack}` : String(error));
      }
    };
    await attempt(() => prepare(inside));
    await attempt(run);
    for (const step of afterwards.reverse()) {
      await attempt(step);
    }
    afterwards = [];
    const told: Told = { file: of, name, ...(faults.length > 0 && { fault: faults.join('\n') }) };
    std.out.puts(`${JSON.stringify(told)}\n`);
    std.out.flush();
  }
}

/** A file that cannot even be loaded. */
export function failWith(error: unknown): never {
  std.err.puts(error instanceof Error ? `${error}\n${error.stack}\n` : `${error}\n`);
  return std.exit(1);
}
