/** `npm run demo`: the built agent keeps a name up to date while its WAN changes, before your eyes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Runtime, RuntimeCommand } from '../quickjs/runtime.ts';
import { agentCommand, DIST, HOLD_DOWN_SEC } from './agent-process.ts';
import { createMade, type Made, removeLeftovers } from './cleanup.ts';
import { CALM, HISTORY } from './history.ts';
import { namespaceStage } from './namespaces.ts';
import { play, type Result } from './play.ts';
import { recordingStage } from './recordings.ts';
import { judgeReplay, playReplay } from './replay.ts';
import { createReplayScreen } from './replay-screen.ts';
import { createScreen, type Screen } from './screen.ts';
import { type Mode, type Stage, Unavailable } from './stage.ts';
import { readArguments, type Wish } from './wish.ts';

const HELP = `Usage: npm run demo -- [options]

Runs the built agent as a process of its own, with a complete dynamic-DNS provider and an emulated WAN.
The address changes several times, the link goes down and up; each step is shown with its time, from the
change to the answer of the authoritative name servers. It ends by itself in less than a minute.

  --mode MODE   namespace: network namespaces with a real DHCP server and client (root, iproute2, busybox)
                stand-in: a stand-in for OpenWrt's ubus command replays recordings; needs nothing
                Default: namespace where that works, else stand-in.
  --runtime RUNTIME
                node (default) or quickjs; Debian's qjs is downloaded where there is none
  --replay 2014 plays 30 June to 3 July 2014 instead, in about a minute: the zones of a provider are taken
                away, and its update interface goes on saying "good"; on quickjs it takes some ten minutes
  --json        steps go to standard error; one line of JSON ends standard output
  --help        print this text

Exit status: 0 every change was published and proven and no request was needless, 1 not so, 2 wrong usage.
`;

const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130, terminated: 143, hungUp: 129 } as const;
/** Less than the minute that is promised. */
const LIMIT_MS = 55_000;
/** The replay takes about a minute on a quiet machine; a busy one may take its time. On QuickJS each question to
 *  the DNS is a process of its own. */
const REPLAY_LIMIT_MS: Record<Runtime, number> = { node: 600_000, quickjs: 2_400_000 };
/** Virtual milliseconds in a real one while nothing is awaited. */
const REPLAY_RATE = 20_000;

const made = createMade();
let screen: Screen | undefined;
let ending = false;

/** The only way out: everything is taken back first. */
async function end(status: number): Promise<void> {
  if (ending) {
    return;
  }
  ending = true;
  screen?.close();
  await made.undoAll();
  process.exit(status);
}

for (const [signal, status] of [
  ['SIGINT', EXIT.interrupted],
  ['SIGTERM', EXIT.terminated],
  ['SIGHUP', EXIT.hungUp],
] as const) {
  process.on(signal, () => {
    if (!ending) {
      screen?.close();
      process.stderr.write('\nStopped; cleaning up.\n');
      void end(status);
    }
  });
}
// The reader has gone, e.g. `| head`.
process.stdout.on('error', () => void end(EXIT.failed));
process.stderr.on('error', () => void end(EXIT.failed));
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

void run(process.argv.slice(2)).then(end, fail);

function fail(error: unknown): void {
  if (!ending) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`The demo failed: ${reason}\n`);
    if (process.argv.includes('--json')) {
      const unavailable = error instanceof Unavailable;
      process.stdout.write(`${JSON.stringify({ ok: false, error: reason, unavailable })}\n`);
    }
    void end(EXIT.failed);
  }
}

async function run(argv: readonly string[]): Promise<number> {
  const wish = readArguments(argv);
  if (typeof wish === 'string') {
    process.stderr.write(`${wish}\nTry --help.\n`);
    return EXIT.usage;
  }
  if (wish.help) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  if (!existsSync(join(DIST, 'holdfast.cjs'))) {
    throw new Error('dist/holdfast.cjs is not there: run `npm run build` first');
  }
  if (wish.replay) {
    return replay(wish);
  }
  const command = await agentCommand(wish.runtime);
  const timer = setTimeout(fail, LIMIT_MS, new Error(`it did not end within ${LIMIT_MS / 1000} s`));
  const shown = createScreen(wish.json ? process.stderr : process.stdout);
  screen = shown;
  const result = await show(wish, command, shown);
  clearTimeout(timer);
  shown.table(result);
  shown.text([result.ok ? 'Every change was published and proven.' : 'NOT everything went as it should.']);
  // What is taken back afterwards must not come between the result and its reader.
  await made.undoAll();
  if (wish.json) {
    process.stdout.write(`${JSON.stringify(report(result))}\n`);
  }
  return result.ok ? EXIT.ok : EXIT.failed;
}

/** Three days of 2014: first unseen without the incident, to compare, then with it. */
async function replay({ json, runtime }: Wish): Promise<number> {
  const timer = setTimeout(fail, REPLAY_LIMIT_MS[runtime], new Error('it did not end in time'));
  const bundle = join(DIST, runtime === 'node' ? 'holdfast.cjs' : 'holdfast.mjs');
  await agentCommand(runtime);
  const onClose = (close: () => Promise<void>) => made.onUndo(close);
  const shown = createReplayScreen(json ? process.stderr : process.stdout);
  removeLeftovers();
  shown.opening();
  const options = { bundle, onClose };
  const calm = await playReplay(CALM, { ...options, checks: false, folder: made.folder() });
  const played = await playReplay(HISTORY, {
    ...{ ...options, folder: made.folder(), watcher: shown },
    rate: REPLAY_RATE,
  });
  clearTimeout(timer);
  const findings = judgeReplay(played, calm);
  const ok = findings.every(({ holds }) => holds);
  shown.closing(played, findings);
  await made.undoAll();
  if (json) {
    const { incidents, requests, aliasTargets } = played;
    process.stdout.write(`${JSON.stringify({ ok, findings, incidents, requests, aliasTargets })}\n`);
  }
  return ok ? EXIT.ok : EXIT.failed;
}

async function show({ mode, runtime }: Wish, command: RuntimeCommand, screen: Screen): Promise<Result> {
  screen.text([
    'Holdfast demo: a router whose address changes, and its name, which follows.',
    '',
    ...removeLeftovers().map((name) => `Left by an earlier demo and removed: ${name}`),
  ]);
  const { stage, folder } = await buildStage(mode, screen);
  screen.text([
    `Mode: ${stage.mode}, runtime: ${runtime}`,
    ...stage.description,
    `Hold-down is ${HOLD_DOWN_SEC} s here (normally 10 s) and documentation addresses are allowed (allow_private).`,
    'Times are counted from the change. "DNS answer" is what this demo got when it asked the authoritative',
    'servers itself; "verified" is what the agent found out on its own.',
  ]);
  return play(made, folder, stage, screen, command);
}

async function buildStage(mode: Mode | undefined, screen: Screen): Promise<{ stage: Stage; folder: string }> {
  if (mode !== 'stand-in') {
    const attempt = createMade();
    made.onUndo(attempt.undoAll);
    try {
      return await build(attempt, namespaceStage);
    } catch (error) {
      await attempt.undoAll();
      if (mode === 'namespace' || !(error instanceof Unavailable)) {
        throw error;
      }
      screen.text([`No network namespaces here, so recordings are played: ${error.message}.`, '']);
    }
  }
  return build(made, recordingStage);
}

async function build(
  attempt: Made,
  stageOf: (made: Made, folder: string) => Promise<Stage>,
): Promise<{ stage: Stage; folder: string }> {
  const folder = attempt.folder();
  return { folder, stage: await stageOf(attempt, folder) };
}

/** The line for programs. `converged` counts, of the `changes`, those that were published and proven. */
function report({ mode, ok, changes, requests, needless }: Result) {
  const measured = changes.filter((one) => one.kind === 'change');
  return {
    ok,
    mode,
    changes: measured.length,
    converged: measured.filter((one) => one.ok).length,
    requests,
    needlessRequests: needless,
    steps: changes.map(({ title, kind, hostname, address, requestMs, answerMs, verifiedMs, ok: fine }) => ({
      ...{ title, kind, ok: fine },
      ...(kind !== 'no change' && { hostname, address, requestMs, answerMs, verifiedMs }),
    })),
  };
}
