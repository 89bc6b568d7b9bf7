import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { listNamespaces, PREFIX } from './cleanup.ts';

/** A whole demo takes up to 20 s; the rest is for slow machines. */
const TIMEOUT_MS = 90_000;
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const TSX = fileURLToPath(new URL('../../node_modules/.bin/tsx', import.meta.url));

interface Run {
  child: ChildProcess;
  /** The folder that it takes for /tmp. */
  folder: string;
  output: { stdout: string; stderr: string };
  ended: Promise<number | null>;
  /** Waits until the output has this text. */
  shows(text: string): Promise<void>;
}

/** Runs the demo as npm does, in a process group of its own as a terminal would give it. */
function runDemo(
  { onTestFinished }: TestContext,
  args: readonly string[],
  { folder = ownFolder(onTestFinished), env = {} }: { folder?: string; env?: NodeJS.ProcessEnv } = {},
): Run {
  const child = spawn(process.execPath, [TSX, MAIN, ...args], {
    detached: true,
    env: { ...process.env, TMPDIR: folder, ...env },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.stderr += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      signal(child, 'SIGTERM');
      await ended;
    }
  });
  const shows = (text: string) =>
    vi.waitFor(() => expect(output.stdout + output.stderr).toContain(text), {
      timeout: 60_000,
      interval: 20,
    });
  return { child, folder, output, ended, shows };
}

function ownFolder(onTestFinished: TestContext['onTestFinished']): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What Ctrl-C in a terminal does: every process of the foreground group gets the signal. */
function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid !== undefined) {
    process.kill(-pid, name);
  }
}

/** Everything that demos with this folder have left: files, processes, and namespaces of the given demos. */
function traces(folder: string, demoIds: readonly string[]) {
  const ofDemo = (name: string) => demoIds.some((id) => name.startsWith(`${PREFIX}${id}-`));
  const processes = readdirSync('/proc').filter((pid) => {
    return /^\d+$/.test(pid) && Number(pid) !== process.pid && commandOf(pid).includes(folder);
  });
  return {
    files: readdirSync(folder).filter((name) => name.startsWith('holdfast-')),
    processes: processes.map(commandOf),
    namespaces: listNamespaces().filter(ofDemo),
  };
}

const NO_TRACES = { files: [], processes: [], namespaces: [] };

/** Arguments and environment: both name the folder in every process of a demo. */
function commandOf(pid: string): string {
  try {
    return `${readFileSync(`/proc/${pid}/cmdline`, 'utf8')} ${readFileSync(`/proc/${pid}/environ`, 'utf8')}`;
  } catch {
    return '';
  }
}

/** The process ids in the names of the folders of running demos. */
function demosIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => /^holdfast-demo-(\d+)-/.exec(name)?.[1] ?? []);
}

/** Where network namespaces cannot be made the test cannot be; the CI machine must be able to. */
function skipIfUnavailable(ctx: TestContext, reason: string): void {
  if (process.env.CI === undefined || process.getuid?.() !== 0) {
    ctx.skip(`network namespaces with DHCP are not to be had here: ${reason}`);
  }
}

describe.concurrent('the demo', { timeout: TIMEOUT_MS }, () => {
  test.for([
    { mode: 'stand-in', runtime: 'node' },
    { mode: 'namespace', runtime: 'node' },
    { mode: 'stand-in', runtime: 'quickjs' },
    { mode: 'namespace', runtime: 'quickjs' },
  ])('$mode, $runtime: every change is published and proven', async ({ mode, runtime }, ctx) => {
    const { output, ended, folder } = runDemo(ctx, ['--json', '--mode', mode, '--runtime', runtime]);
    const status = await ended;
    const result = JSON.parse(output.stdout);
    if (result.unavailable === true) {
      skipIfUnavailable(ctx, result.error);
    }

    expect(result).toMatchObject({ ok: true, mode, needlessRequests: 0 });
    expect(result.changes).toBeGreaterThanOrEqual(3);
    expect(result.converged).toBe(result.changes);
    for (const step of result.steps.filter((one: { kind: string }) => one.kind !== 'no change')) {
      expect(step).toMatchObject({ ok: true, requestMs: expect.any(Number), verifiedMs: expect.any(Number) });
      expect(step.verifiedMs).toBeGreaterThanOrEqual(step.requestMs);
    }
    expect(result.steps.some((one: { kind: string }) => one.kind === 'no change')).toBe(true);
    expect(output.stdout.split('\n')).toHaveLength(2);
    expect(output.stderr).toContain('DNS answer');
    expect(status).toBe(0);
    expect(traces(folder, [])).toEqual(NO_TRACES);
  });

  test.for([
    { mode: 'stand-in', name: 'SIGTERM', status: 143 },
    { mode: 'namespace', name: 'SIGINT', status: 130 },
  ] as const)('$mode: $name leaves nothing behind', async ({ mode, name, status }, ctx) => {
    const { child, folder, output, ended, shows } = runDemo(ctx, ['--mode', mode]);
    await Promise.race([shows('verified '), ended]);
    if (output.stderr.includes('The demo failed')) {
      skipIfUnavailable(ctx, output.stderr);
    }
    const demos = demosIn(folder);
    const during = traces(folder, demos);
    signal(child, name);
    const ending = await ended;

    expect(demos).toHaveLength(1);
    expect(during.processes.length).toBeGreaterThan(2);
    expect(during.namespaces).toHaveLength(mode === 'namespace' ? 2 : 0);
    expect(ending).toBe(status);
    expect(traces(folder, demos)).toEqual(NO_TRACES);
  });

  test('what a killed demo has left is removed by the next one', async (ctx) => {
    const first = runDemo(ctx, []);
    await first.shows('verified ');
    const [killed = ''] = demosIn(first.folder);
    process.kill(Number(killed), 'SIGKILL');
    await first.ended;
    const left = traces(first.folder, [killed]);
    const next = runDemo(ctx, [], { folder: first.folder });
    await next.shows('Left by an earlier demo and removed: ');
    await next.shows('Mode: ');
    const afterwards = demosIn(first.folder);
    signal(next.child, 'SIGINT');
    await next.ended;

    expect(left.files).toHaveLength(1);
    expect(left.processes).not.toEqual([]);
    expect(afterwards).not.toContain(killed);
    expect(traces(first.folder, [killed, ...afterwards])).toEqual(NO_TRACES);
  });

  test('without ip and busybox it says so and plays recordings', async (ctx) => {
    const folder = ownFolder(ctx.onTestFinished);
    const bin = join(ownFolder(ctx.onTestFinished), 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    const { child, output, ended, shows } = runDemo(ctx, [], { folder, env: { PATH: bin } });
    await shows('verified ');
    signal(child, 'SIGINT');
    await ended;

    expect(output.stdout).toMatch(/No network namespaces here, so recordings are played: .+\.\n/);
    expect(output.stdout).toContain('Mode: stand-in');
    expect(traces(folder, [])).toEqual(NO_TRACES);
  });

  test.for([
    { args: ['--help'], status: 0, stdout: /--mode MODE/, stderr: /^$/ },
    { args: ['--fast'], status: 2, stdout: /^$/, stderr: /--fast/ },
  ])('$args ends with status $status', async ({ args, status, stdout, stderr }, ctx) => {
    const { output, ended } = runDemo(ctx, args);
    const ending = await ended;

    expect({ status: ending, ...output }).toEqual({
      status,
      stdout: expect.stringMatching(stdout),
      stderr: expect.stringMatching(stderr),
    });
  });
});
