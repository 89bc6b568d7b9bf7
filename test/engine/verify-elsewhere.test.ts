import { expect, test } from 'vitest';
import type { Judgement } from '../../agent/core/health.ts';
import { answerChecks } from '../../agent/engine/answer-checks.ts';
import type { VerifyParts } from '../../agent/engine/checks/parts.ts';
import type { ActionOf } from '../../agent/engine/commands.ts';
import { type CheckTask, verifyElsewhere } from '../../agent/engine/verify-elsewhere.ts';
import type { Host } from '../../agent/ports.ts';

const AXIS = { verdict: 'ok' as const, code: 'test/OK', sentence: 'Fine.', evidence: [], mustAct: false };

function found(zone: string): Judgement {
  return { zone, axes: { delegation: AXIS, authority: AXIS, publicView: AXIS } };
}

function check(hostname: string, ageMs = 1000): ActionOf<'verify'> {
  return {
    type: 'verify',
    host: hostname,
    attempt: 1,
    hostname,
    account: 'a',
    provider: 'Example DNS',
    ageMs,
  };
}

/** Only what the agent's side of it needs; a secret stands where the other settings are. */
const SETTINGS = { publicResolvers: [], dohUrls: [], controlServers: [], dnsPort: 5353 };
const PARTS = {
  clock: { monotonicMs: () => 7000 },
  userAgent: () => 'Holdfast/test',
  resolvers: async () => [{ address: '192.0.2.53', port: 53 }],
  settings: () => ({ ...SETTINGS, notify: ['https://push.example.org/secret'] }),
} as unknown as VerifyParts;

interface Started {
  task: CheckTask;
  text: string;
  tell(told: unknown): void;
  end(): void;
}

/** Processes as the test lets them answer. */
function fakeChecker() {
  const started: Started[] = [];
  const checker: NonNullable<Host['checker']> = (text, _timeoutMs, onLine) =>
    new Promise((end) => {
      const tell = (told: unknown) => onLine(typeof told === 'string' ? told : JSON.stringify(told));
      started.push({ task: JSON.parse(text), text, tell, end });
    });
  const verify = verifyElsewhere(PARTS, checker, async ({ hostname }) => found(`here ${hostname}`));
  return { started, verify };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await Promise.resolve();
  }
}

test('checks of one moment go together, and each is answered when it is done', async () => {
  const { started, verify } = fakeChecker();
  const first = verify(check('a.example'));
  const second = verify(check('b.example', Number.POSITIVE_INFINITY));
  await turns();

  started[0]?.tell({ at: 1, found: found('b') });

  expect(started).toHaveLength(1);
  expect(started[0]?.task.checks.map(({ hostname }) => hostname)).toEqual(['a.example', 'b.example']);
  expect(started[0]?.task).toMatchObject({ nowMs: 7000, settings: SETTINGS, userAgent: 'Holdfast/test' });
  expect(started[0]?.task.checks[1]?.ageMs).toBeGreaterThan(1e12);
  expect(started[0]?.text).not.toContain('secret');
  expect(await second).toEqual(found('b'));
  started[0]?.tell({ at: 0, found: found('a') });
  expect(await first).toEqual(found('a'));
});

test('what was learned is handed to the next one', async () => {
  const { started, verify } = fakeChecker();
  void verify(check('a.example'));
  await turns();
  started[0]?.tell({ at: 0, found: found('a') });
  started[0]?.tell({ memory: 'learned' });
  started[0]?.end();
  await turns();

  void verify(check('b.example'));
  await turns();

  expect(started.map(({ task }) => task.memory)).toEqual(['', 'learned']);
});

test('two at once at most: those that come meanwhile wait, and then go together', async () => {
  const { started, verify } = fakeChecker();
  for (const hostname of ['a.example', 'b.example', 'c.example', 'd.example']) {
    void verify(check(hostname));
    await turns();
  }
  const before = started.length;

  started[1]?.tell({ at: 0, found: found('b') });
  started[1]?.end();
  await turns();

  expect(before).toBe(2);
  expect(started[2]?.task.checks.map(({ hostname }) => hostname)).toEqual(['c.example', 'd.example']);
});

test.each([
  ['nothing', []],
  ['half a line', ['{"at":0,"fou']],
  ['the answer of another', [{ at: 5, found: found('x') }]],
])('after %s the agent checks by itself, and the next process is asked again', async (_, told) => {
  const { started, verify } = fakeChecker();
  const asked = verify(check('a.example'));
  await turns();
  for (const one of told) {
    started[0]?.tell(one);
  }

  started[0]?.end();
  const judgement = await asked;
  void verify(check('b.example'));
  await turns();

  expect(judgement).toEqual(found('here a.example'));
  expect(started).toHaveLength(2);
});

test('the process answers with the clock of the agent, and tells what it has learned', async () => {
  const told: unknown[] = [];
  const askedAtMs: number[] = [];
  let ownMs = 1_000_000;
  const host = {
    monotonicMs: () => ownMs,
    after: () => () => {},
    random: () => 0.5,
    dns: {
      async ask() {
        ownMs += 10;
        askedAtMs.push(ownMs);
        return { kind: 'failed', failure: { code: 'dns/TIMEOUT', sentence: 'No answer.' } };
      },
    },
  } as unknown as Host;
  const control = [{ address: '198.51.100.1', port: 5353 }];
  const task: CheckTask = {
    ...{ nowMs: 7000, userAgent: '', memory: '', resolvers: [{ address: '192.0.2.53', port: 53 }] },
    settings: { ...SETTINGS, controlServers: control },
    checks: [{ ...check('home.example'), ipv4: '203.0.113.1' }],
  };

  await answerChecks(host, JSON.stringify(task), (one) => void told.push(one));
  const memory: { control: [string, { atMs: number }][] } = JSON.parse(
    told.flatMap((one) => (one as { memory?: string }).memory ?? [])[0] ?? '{}',
  );

  expect(told).toHaveLength(2);
  expect(told[0]).toMatchObject({ at: 0, found: { axes: { authority: { verdict: 'unknown' } } } });
  expect(askedAtMs.length).toBeGreaterThan(1);
  expect(memory.control[0]?.[1].atMs).toBe(7000 + ownMs - 1_000_000);
});

test('where no process can be started the agent makes the checks, those that come later as well', async () => {
  const checker: NonNullable<Host['checker']> = async () => {
    throw new Error('no more processes');
  };
  const verify = verifyElsewhere(PARTS, checker, async ({ hostname }) => found(`here ${hostname}`));

  const zones: unknown[] = [];
  for (const hostname of ['a.example', 'b.example', 'c.example']) {
    zones.push((await verify(check(hostname))).zone);
  }

  expect(zones).toEqual(['here a.example', 'here b.example', 'here c.example']);
});
