/** The rules that always hold, as properties of whole lives of the agent under virtual time. */
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { FAMILIES, type Family } from '../../agent/core/address.ts';
import {
  accountId,
  deviceOf,
  type Entry,
  FAILURES,
  familiesOf,
  HOUR_MS,
  hostId,
  ipv4Of,
  ipv6Of,
  type Limits,
  type Line,
  MINUTE_MS,
  mayBeApplied,
  type Op,
  pickAnswer,
  SECOND_MS,
  type Sent,
  type Simulation,
  type Story,
  seeded,
  simulate,
  stories,
  type World,
  wanted,
} from './simulation.ts';

/** Generated sequences for each property; together at least 10,000. */
const RUNS = {
  converges: 700,
  lostReplies: 700,
  neverAWrongAddress: 800,
  neverASpecialAddress: 800,
  noRepeats: 600,
  dnsNeverUpdates: 400,
  refresh: 200,
  permanent: 700,
  waits: 700,
  isolatedAccounts: 400,
  isolatedLanes: 400,
  isolatedHosts: 400,
  bounded: 700,
  crashSafe: 600,
  clockProof: 500,
  clockSet: 300,
  bound: 700,
  together: 600,
} as const;

/** Longer than every wait of the agent: 24 h after a defect, half as much again for jitter. */
const PATIENCE_MS = 72 * HOUR_MS;

/** Thousands of lives in one test: on a busy machine the usual limit is short. */
vi.setConfig({ testTimeout: 60_000 });

/** One account, one WAN, one hostname for IPv4. */
const ONE_LANE: World = {
  accounts: [{ dual: false, minIntervalMs: 0 }],
  hosts: [{ account: 0, wans: [0], family: 'ipv4', suffix: false }],
  wans: 1,
  verify: false,
  resyncMs: 24 * HOUR_MS,
  allowPrivate: true,
  random: 0.5,
  answers: [],
};

function told(story: Story): Simulation {
  const simulation = simulate(story.world);
  simulation.play(story.ops);
  return simulation;
}

function sentOf(simulation: Simulation, matches: (sent: Sent) => boolean = () => true) {
  return simulation
    .sent()
    .filter(matches)
    .map(({ atMs, lane, items }) => ({ atMs, lane, items }));
}

function hostOf(world: World, id: string) {
  const spec = world.hosts.find((_, index) => hostId(index) === id);
  if (!spec) {
    throw new Error(`${id} is no hostname of this world`);
  }
  return spec;
}

/** What the agent has been shown at the moment of each update; undefined: nothing, or that it is unknown. */
function withSight(trace: readonly Entry[]): { sent: Sent; seen: readonly Line[] | undefined }[] {
  const found: { sent: Sent; seen: readonly Line[] | undefined }[] = [];
  let seen: readonly Line[] | undefined;
  for (const entry of trace) {
    if (entry.type === 'told') {
      seen = entry.lines;
    } else if (entry.type === 'op' && (entry.op.does === 'crash' || entry.op.does === 'disable')) {
      seen = undefined;
    } else if (entry.type === 'sent') {
      found.push({ sent: entry, seen });
    }
  }
  return found;
}

describe('1. Converges', () => {
  // Mutations tried: an attempt survives the restart that killed it; of two families only the first is confirmed; a
  // hostname that failed once is never tried again -> all fail.
  test('every hostname that is not blocked ends up confirmed at the latest address', () => {
    fc.assert(
      fc.property(stories(), (story) => {
        const simulation = told(story);

        simulation.heal();
        simulation.settle(PATIENCE_MS);

        expect(simulation.wrongs()).toEqual([]);
      }),
      { numRuns: RUNS.converges },
    );
  });
});

describe('1. Converges when replies are lost', () => {
  // Mutation tried: an update that may have been applied unheard leaves no doubt -> fails.
  test('an address that comes back is sent again when its successor may have been applied unheard', () => {
    const flaps = fc.array(
      seeded((pick) => ({
        afterMs: pick([2 * SECOND_MS, 300, 11 * SECOND_MS, 45 * SECOND_MS]),
        does: pick(['line', 'line', 'line', 'reload', 'crash'] as const),
        address: pick([0, 1]),
        answer: pickAnswer(pick, [FAILURES.attempt[1], FAILURES.attempt[2], FAILURES.permanent[0]]),
      })),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(flaps, (changes) => {
        const simulation = simulate({ ...ONE_LANE, answers: [changes.map(({ answer }) => answer)] });

        simulation.play(
          changes.map(({ afterMs, does, address }): Op => {
            if (does === 'line') {
              const line = { up: true, ipv4: ipv4Of(0, address), ipv6: [] };
              return { does, afterMs, wan: 0, told: 'pushed', line };
            }
            return does === 'reload'
              ? { does, afterMs, touch: 'account', index: 0 }
              : { does, afterMs, sameBoot: true, offMs: 0, lostSteps: 0 };
          }),
        );
        simulation.heal();
        simulation.settle(PATIENCE_MS);

        expect(simulation.wrongs()).toEqual([]);
      }),
      { numRuns: RUNS.lostReplies },
    );
  });
});

describe('2. Never a wrong address', () => {
  // Mutations tried: what an unused source once showed is kept; an unknown source holds nothing back -> both fail.
  test('only an address of the right family that the source shows now', () => {
    fc.assert(
      fc.property(stories(), (story) => {
        const simulation = told(story);

        for (const { sent, seen } of withSight(simulation.trace)) {
          for (const item of sent.items) {
            const right = familiesOf(item).map((family) =>
              wanted(hostOf(story.world, item.host), family, seen ?? [])?.addresses.includes(
                item[family] ?? '',
              ),
            );
            expect({ sent, seen, right: right.every(Boolean) }).toMatchObject({ right: true });
          }
        }
      }),
      { numRuns: RUNS.neverAWrongAddress },
    );
  });
});

describe('2. Never a wrong address, whatever the line has', () => {
  /** One of each range that reaches nobody, by the IANA registries. */
  const SPECIAL: readonly [string, ...string[]] = [
    '192.168.1.2',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.9',
    '100.127.255.254',
    '127.0.0.1',
    '169.254.3.4',
    '172.31.255.1',
    '192.0.0.8',
    '192.0.2.1',
    '198.19.0.1',
    '198.51.100.7',
    '203.0.113.9',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
  ];
  const SPECIAL6: readonly [string, ...string[]] = [
    'fd00::1',
    '::',
    '::1',
    '::ffff:192.168.1.2',
    'fe80::1',
    'fec0::1',
    '2001:db8::1',
    '2001:0:1::1',
    '2002:a00:1::1',
    '3fff::1',
    '100::1',
    '64:ff9b:1::1',
    'ff02::1',
  ];
  /** Numbers only: nothing is ever sent there. */
  const PUBLIC = ['9.9.9.9', '2620:fe::fe'];

  // Mutation tried: addresses of 100.64.0.0/10 count as public -> fails.
  test('without allow_private nothing but a public address is ever sent', () => {
    const shown = seeded((pick) => ({
      afterMs: pick([SECOND_MS, 0, MINUTE_MS, HOUR_MS]),
      ipv4: pick([...SPECIAL, '9.9.9.9', '9.9.9.9']),
      ipv6: pick([...SPECIAL6, '2620:fe::fe', '2620:fe::fe']),
    }));
    fc.assert(
      fc.property(fc.array(shown, { minLength: 1, maxLength: 12 }), (changes) => {
        const simulation = simulate({
          ...ONE_LANE,
          hosts: [{ account: 0, wans: [0], family: 'dual', suffix: false }],
          allowPrivate: false,
        });

        simulation.play(
          changes.map(({ afterMs, ipv4, ipv6 }) => ({
            does: 'line',
            afterMs,
            wan: 0,
            told: 'pushed',
            line: { up: true, ipv4, ipv6: [{ address: ipv6, state: 'good' }] },
          })),
        );
        simulation.run(HOUR_MS);

        const published = simulation
          .sent()
          .flatMap(({ items }) => items.flatMap((item) => [item.ipv4, item.ipv6]));
        expect(published.filter((one) => one !== undefined && !PUBLIC.includes(one))).toEqual([]);
        expect(changes.at(-1)?.ipv4 !== '9.9.9.9' || published.includes('9.9.9.9')).toBe(true);
      }),
      { numRuns: RUNS.neverASpecialAddress },
    );
  });
});

/** Updates that nothing justifies, by the books of an observer who hears what the agent hears. */
function unjustified(world: World, trace: readonly Entry[]): string[] {
  const confirmed = new Map<string, Partial<Record<Family, string>>>();
  const asked = new Set<string>();
  const gone = new Set<string>();
  const spent = new Set<string>();
  let flying: Sent[] = [];
  const found: string[] = [];
  const ids = world.hosts.map((_, index) => hostId(index));
  let enabled = true;

  for (const entry of trace) {
    if (entry.type === 'sent') {
      for (const item of entry.items) {
        const books = confirmed.get(item.host);
        const news = familiesOf(item).some((family) => books?.[family] !== item[family]);
        const forced = gone.has(item.host) && !spent.has(item.host);
        if (item.reason === 'gone' ? !forced : !news && !asked.has(item.host)) {
          found.push(`${item.host} at ${entry.atMs}: ${JSON.stringify(item)}`);
        }
      }
      flying.push(entry);
    } else if (entry.type === 'heard' && enabled) {
      flying = flying.filter((one) => one.atMs !== entry.sentMs || one.lane !== entry.lane);
      for (const item of entry.items) {
        const outcome = entry.outcomes[item.host];
        const taken = outcome?.confirmed ?? [];
        // Where both travel in one call, a call erases the family that it does not name.
        const isErasing = world.accounts[hostOf(world, item.host).account]?.dual === true && taken.length > 0;
        const left = isErasing ? familiesOf(item) : FAMILIES;
        const books = {
          ...confirmed.get(item.host),
          ...Object.fromEntries(taken.map((one) => [one, item[one]])),
        };
        confirmed.set(item.host, Object.fromEntries(left.map((one) => [one, books[one]])));
        if (outcome?.failure && mayBeApplied(outcome.failure)) {
          doubt(item);
        }
        if (outcome && !outcome.failure) {
          asked.delete(item.host);
          if (item.reason === 'gone') {
            spent.add(item.host);
          }
        }
      }
    } else if (entry.type === 'verified') {
      if (entry.answer === 'gone') {
        gone.add(entry.host);
      } else if (entry.answer === 'ok' || entry.answer === 'moved') {
        gone.delete(entry.host);
        spent.delete(entry.host);
      }
    } else if (entry.type === 'op') {
      const { op } = entry;
      if (op.does === 'request' && enabled) {
        for (const id of op.host === undefined ? ids : [hostId(op.host)]) {
          asked.add(id);
        }
      } else if (op.does === 'crash') {
        for (const item of flying.flatMap((one) => one.items)) {
          doubt(item);
        }
        flying = [];
      } else if (op.does === 'disable') {
        enabled = false;
        confirmed.clear();
        asked.clear();
        spent.clear();
      } else if (op.does === 'enable') {
        enabled = true;
      }
    }
  }
  return found;

  function doubt(item: { host: string } & Partial<Record<Family, string>>): void {
    const books = { ...confirmed.get(item.host) };
    for (const family of ['ipv4', 'ipv6'] as const) {
      if (item[family] !== undefined && item[family] !== books[family]) {
        delete books[family];
      }
    }
    confirmed.set(item.host, books);
  }
}

describe('3. No repeats', () => {
  // Mutations tried: a vanished name forces an update at each check; any DNS fault forces one; a restart asks for an
  // update -> all fail.
  test('nothing is sent again that was confirmed, nor twice for one vanished name', () => {
    fc.assert(
      fc.property(stories(), (story) => {
        const simulation = told(story);
        simulation.run(2 * HOUR_MS);

        expect(unjustified(story.world, simulation.trace)).toEqual([]);
      }),
      { numRuns: RUNS.noRepeats },
    );
  });

  // Mutation tried: any DNS fault forces an update -> fails.
  test('a DNS symptom other than a vanished name changes no request', () => {
    const answers = ['stale', 'lame', 'moved', 'silent', 'intercepted', 'problem', 'ok'] as const;
    fc.assert(
      fc.property(stories({ dns: answers }), ({ world, ops }) => {
        const sameBoot = withoutReboots(ops);
        const checking = told({ world: { ...world, verify: true }, ops: sameBoot });
        const blind = told({ world: { ...world, verify: false }, ops: sameBoot });

        expect(sentOf(checking)).toEqual(sentOf(blind));
      }),
      { numRuns: RUNS.dnsNeverUpdates },
    );
  });
});

describe('3. No repeats: the refresh', () => {
  // Mutation tried: the refresh comes at half its time -> fails.
  test('the same address is repeated only when the configured refresh is due, and then it is', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.integer({ min: 1, max: 40 * 24 }), { minLength: 1, maxLength: 8 }),
        (days, wakesHours) => {
          const refreshMs = days * 24 * HOUR_MS;
          const simulation = simulate({
            ...ONE_LANE,
            accounts: [{ dual: false, minIntervalMs: 0, refreshMs }],
          });

          simulation.play(
            wakesHours.map((hours) => ({
              does: 'crash',
              afterMs: hours * HOUR_MS,
              sameBoot: true,
              offMs: 0,
              lostSteps: 0,
            })),
          );

          const times = simulation.sent().map(({ atMs }) => atMs);
          const livedMs = wakesHours.reduce((sum, hours) => sum + hours, 0) * HOUR_MS;
          const repeats = Math.floor((livedMs - 20) / (refreshMs + 50));
          expect(times).toEqual(
            Array.from({ length: repeats + 1 }, (_, index) => 20 + index * (refreshMs + 50)),
          );
        },
      ),
      { numRuns: RUNS.refresh },
    );
  });
});

/** After a reboot waits count from the last writing, which a DNS check may have caused. */
function withoutReboots(ops: readonly Op[]): Op[] {
  return ops.map((op) => (op.does === 'crash' ? { ...op, sameBoot: true } : op));
}

/** Follows the blocks by what was heard; `problems` are updates of blocked scopes and differing blocks. */
function blockProblems(world: World, simulation: Simulation): string[] {
  const hosts = new Set<string>();
  const accounts = new Set<string>();
  /** Position in the trace of the last change of a section. */
  const changed = new Map<string, number>();
  const sentAt = new Map<string, number>();
  const problems: string[] = [];
  let enabled = true;

  simulation.trace.forEach((entry, position) => {
    if (entry.type === 'sent') {
      sentAt.set(`${entry.lane} ${entry.atMs}`, position);
      for (const { host } of entry.items) {
        if (hosts.has(host) || accounts.has(entry.account)) {
          problems.push(`${host} is blocked, but sent at ${entry.atMs}`);
        }
      }
    } else if (entry.type === 'heard' && enabled) {
      const since = sentAt.get(`${entry.lane} ${entry.sentMs}`) ?? 0;
      const outdated = [entry.account, ...entry.items.map(({ host }) => host)].some(
        (id) => (changed.get(id) ?? -1) > since,
      );
      for (const { host } of outdated ? [] : entry.items) {
        const failure = entry.outcomes[host]?.failure;
        if (failure?.kind === 'credential' || failure?.kind === 'refused') {
          (failure.scope === 'hostname' ? hosts : accounts).add(
            failure.scope === 'hostname' ? host : entry.account,
          );
        }
      }
    } else if (entry.type === 'op') {
      lift(entry.op, position);
    }
  });
  const { state } = simulation;
  for (const [id, { block }] of Object.entries(state().hosts)) {
    if ((block !== undefined) !== hosts.has(id)) {
      problems.push(`${id} is ${block ? '' : 'not '}blocked`);
    }
  }
  for (const [id, { block }] of Object.entries(state().accounts)) {
    if ((block !== undefined) !== accounts.has(id)) {
      problems.push(`${id} is ${block ? '' : 'not '}blocked`);
    }
  }
  return problems;

  function lift(op: Op, position: number): void {
    world.hosts.forEach((host, index) => {
      const [id, account] = [hostId(index), accountId(host.account)];
      if (op.does === 'request' && enabled && (op.host === undefined || op.host === index)) {
        hosts.delete(id);
        accounts.delete(account);
      } else if (op.does === 'reload' && op.touch !== 'nothing') {
        if (op.index === (op.touch === 'host' ? index : host.account)) {
          hosts.delete(id);
          changed.set(id, position);
        }
      } else if (op.does === 'disable' || (op.does === 'enable' && !enabled)) {
        hosts.delete(id);
        changed.set(id, position);
      }
    });
    if (op.does === 'reload' && op.touch === 'account') {
      accounts.delete(accountId(op.index));
      changed.set(accountId(op.index), position);
    }
    enabled = op.does === 'disable' ? false : op.does === 'enable' ? true : enabled;
  }
}

describe('4. Permanent means permanent', () => {
  // Mutations tried: a restart drops the blocks of hostnames; a reboot those of accounts; a refusal of settings that
  // have changed meanwhile blocks the new ones -> all fail.
  test('what is refused stays blocked until its settings change or the operator asks', () => {
    const failures = [...FAILURES.permanent, ...FAILURES.hostname, ...FAILURES.attempt.slice(0, 2)];
    fc.assert(
      fc.property(stories({ failures }), (story) => {
        const simulation = told(story);

        expect(blockProblems(story.world, simulation)).toEqual([]);
      }),
      { numRuns: RUNS.permanent },
    );
  });
});

function brokenWaits(world: World, trace: readonly Entry[]): string[] {
  const untilMs = new Map<string, number>();
  const lastMs = new Map<string, number>();
  const found: string[] = [];
  let enabled = true;
  for (const entry of trace) {
    if (entry.type === 'op') {
      enabled = entry.op.does === 'disable' ? false : entry.op.does === 'enable' ? true : enabled;
      // When the last update of an earlier boot was is not kept: a reboot takes longer than that.
      if (entry.op.does === 'crash' && !entry.op.sameBoot) {
        lastMs.clear();
      }
    } else if (entry.type === 'sent') {
      const { account, atMs } = entry;
      const minIntervalMs = world.accounts.find((_, index) => accountId(index) === account)?.minIntervalMs;
      if (atMs < (untilMs.get(account) ?? 0)) {
        found.push(`${account} sends at ${atMs} and should have waited until ${untilMs.get(account)}`);
      }
      if (atMs - (lastMs.get(account) ?? Number.NEGATIVE_INFINITY) < (minIntervalMs ?? 0)) {
        found.push(`${account} sends at ${lastMs.get(account)} and ${atMs}`);
      }
      lastMs.set(account, atMs);
    } else if (entry.type === 'heard' && enabled) {
      for (const { failure } of Object.values(entry.outcomes)) {
        if (failure?.kind === 'throttled' || failure?.kind === 'busy') {
          const floorMs = failure.kind === 'throttled' ? 10 * MINUTE_MS : 30 * MINUTE_MS;
          const endMs = entry.atMs + (failure.retryAfterMs ?? floorMs);
          untilMs.set(entry.account, Math.max(untilMs.get(entry.account) ?? 0, endMs));
        }
      }
    }
  }
  return found;
}

describe('5. Waits are obeyed', () => {
  // Mutations tried: a success erases the wait; the operator breaks it; the shorter of two demands wins; the lanes of
  // an account ignore each other -> all fail.
  test('no update before the end of a demanded wait or within the distance the provider wants', () => {
    const failures = [...FAILURES.demanded, ...FAILURES.demanded, ...FAILURES.attempt];
    fc.assert(
      fc.property(stories({ failures }), (story) => {
        const simulation = told(story);
        simulation.run(HOUR_MS);

        expect(brokenWaits(story.world, simulation.trace)).toEqual([]);
      }),
      { numRuns: RUNS.waits },
    );
  });
});

describe('6. Isolation', () => {
  // Mutation tried: one attempt at a time for all accounts -> fails.
  test('an account that fails or hangs changes nothing for the others', () => {
    fc.assert(
      fc.property(stories(), ({ world, ops }) => {
        const story = { world, ops: withoutReboots(ops) };
        const others = (sent: Sent) => sent.account !== accountId(0);
        const healthy = withAnswers(story, (host) => host.account !== 0);

        expect(sentOf(told(story), others)).toEqual(sentOf(told(healthy), others));
      }),
      { numRuns: RUNS.isolatedAccounts },
    );
  });

  // Mutations tried: a failed attempt makes the whole account wait; one attempt at a time for all -> both fail.
  test('a WAN on which requests fail or hang changes nothing for the others of the account', () => {
    const limits: Limits = { failures: FAILURES.attempt };
    fc.assert(
      fc.property(stories(limits), ({ world, ops }) => {
        const hosts = world.hosts.map((host, index) => ({ ...host, account: 0, wans: [index % world.wans] }));
        const accounts = world.accounts.map((account) => ({ ...account, minIntervalMs: 0 }));
        const story = { world: { ...world, hosts, accounts }, ops: withoutReboots(ops) };
        const others = (sent: Sent) => sent.device !== deviceOf(0);
        const healthy = withAnswers(story, (host) => host.wans[0] !== 0);

        expect(sentOf(told(story), others)).toEqual(sentOf(told(healthy), others));
      }),
      { numRuns: RUNS.isolatedLanes },
    );
  });

  // Mutation tried: the retry of one hostname counts as a change of the WAN -> fails.
  test('a hostname that fails changes nothing for its neighbours in the same lane', () => {
    const limits: Limits = {
      failures: FAILURES.hostname,
      does: ['line', 'line', 'line', 'line', 'wake', 'crash'],
    };
    fc.assert(
      fc.property(stories(limits), ({ world, ops }) => {
        const accounts = [{ dual: false, minIntervalMs: 0 }];
        const hosts = [0, 1, 2].map(() => ({
          account: 0,
          wans: [0],
          family: 'ipv4' as const,
          suffix: false,
        }));
        const answers = world.answers.slice(0, 1).map((list) => list.map((one) => ({ ...one, delayMs: 0 })));
        const prompt = Array.from({ length: 60 }, () => ({ delayMs: 0, applied: true, partial: false }));
        const failing = {
          ...world,
          accounts,
          hosts,
          answers: [[...answers.flat(), ...prompt], prompt, prompt],
        };
        const healthy = { ...failing, answers: [prompt, prompt, prompt] };
        const neighbours = (one: World) =>
          told({ world: one, ops: withoutReboots(ops) })
            .sent()
            .flatMap(({ atMs, items }) => items.map((item) => ({ atMs, ...item })))
            .filter(({ host }) => host !== hostId(0));

        expect(neighbours(failing)).toEqual(neighbours(healthy));
      }),
      { numRuns: RUNS.isolatedHosts },
    );
  });
});

/** The same story where only the hosts that are kept have anything but success. */
function withAnswers({ world, ops }: Story, keeps: (host: World['hosts'][number]) => boolean): Story {
  const answers = world.hosts.map((host, index) => (keeps(host) ? (world.answers[index] ?? []) : []));
  return { world: { ...world, answers }, ops };
}

describe('7. Bounded', () => {
  // Mutations tried: the distance does not grow; grows to 20 min; quiet does not reset it -> all fail.
  test('at once after quiet, then 10 s doubling to 5 min, and the last address goes out', () => {
    const flaps = fc.array(
      seeded((pick) => ({
        afterMs: pick([
          SECOND_MS,
          5 * SECOND_MS,
          100,
          11 * SECOND_MS,
          70 * SECOND_MS,
          290 * SECOND_MS,
          HOUR_MS,
        ]),
        address: pick([0, 1, 2]),
        up: pick([true, true, true, false]),
        delayMs: pick([0, 50, 3 * SECOND_MS]),
      })),
      { minLength: 2, maxLength: 25, size: 'max' },
    );
    fc.assert(
      fc.property(flaps, fc.integer({ min: 1, max: 3 }), (changes, hosts) => {
        const world: World = {
          ...ONE_LANE,
          hosts: Array.from({ length: hosts }, () => ({
            account: 0,
            wans: [0],
            family: 'ipv4',
            suffix: false,
          })),
          answers: [changes.map(({ delayMs }) => ({ delayMs, applied: true, partial: false }))],
        };
        const simulation = simulate(world);
        simulation.run(MINUTE_MS);

        simulation.play(
          changes.map(({ afterMs, address, up }) => ({
            does: 'line',
            afterMs,
            wan: 0,
            told: 'pushed',
            line: { up, ipv4: ipv4Of(0, address), ipv6: [] },
          })),
        );
        simulation.run(5 * MINUTE_MS + 10 * SECOND_MS);

        expect(simulation.wrongs()).toEqual([]);
        expect(badDistances(simulation.trace)).toEqual([]);
      }),
      { numRuns: RUNS.bounded },
    );
  });
});

/**
 * Reads the distances off a trace: from quiet on 10 s, 20 s, ... 5 min. An update is too soon when it comes
 * before its distance is over, and too late when neither distance, reply nor the address itself was awaited.
 */
function badDistances(trace: readonly Entry[]): string[] {
  const found: string[] = [];
  let shown: string | undefined;
  let shownMs = 0;
  let heardMs = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  let level = 0;
  for (const entry of trace) {
    if (entry.type === 'told') {
      const [line] = entry.lines ?? [];
      const address = line?.up ? line.ipv4 : undefined;
      shownMs = address === shown ? shownMs : entry.atMs;
      shown = address;
    } else if (entry.type === 'heard') {
      heardMs = entry.atMs;
    } else if (entry.type === 'sent') {
      const { atMs } = entry;
      const allowedMs = lastMs + Math.min(10 * SECOND_MS * 2 ** level, 5 * MINUTE_MS);
      if (atMs < allowedMs) {
        found.push(`sent at ${atMs}, before ${allowedMs}`);
      }
      if (atMs > Math.max(allowedMs, shownMs, heardMs)) {
        found.push(`sent at ${atMs}, could have been sent at ${Math.max(allowedMs, shownMs, heardMs)}`);
      }
      level = atMs - lastMs >= 10 * MINUTE_MS ? 0 : level + 1;
      lastMs = atMs;
    }
  }
  return found;
}

describe('8. Crash-safe', () => {
  // Mutation tried: an attempt survives the restart that killed it -> fails.
  test('a cut at any instant leads to the same end, with at most one repetition for each cut', () => {
    const limits: Limits = {
      does: ['line', 'line', 'line', 'crash', 'crash', 'wake', 'source-lost', 'source-found'],
      lostSteps: [0, 1, 2, 3],
      failures: [],
      verify: false,
    };
    fc.assert(
      fc.property(stories(limits), ({ world, ops }) => {
        const hosts = world.hosts.map((host) => ({ ...host, wans: [0] }));
        const simulation = told({ world: { ...world, hosts }, ops: withFreshAddresses(ops) });

        simulation.heal();
        simulation.settle(PATIENCE_MS);

        expect(simulation.wrongs()).toEqual([]);
        const cuts = ops.filter(({ does }) => does === 'crash').length;
        const repeats = unjustified(world, simulation.trace);
        const most = Math.max(
          0,
          ...world.hosts.map(
            (_, index) => repeats.filter((one) => one.startsWith(`${hostId(index)} `)).length,
          ),
        );
        expect(most).toBeLessThanOrEqual(cuts);
      }),
      { numRuns: RUNS.crashSafe },
    );
  });
});

/**
 * Every change of a line brings an address never seen before. An address that comes back while the writing of
 * its successor's attempt was cut cannot be told from one that was never left.
 */
function withFreshAddresses(ops: readonly Op[]): Op[] {
  return ops.map((op, index) => {
    if (op.does !== 'line') {
      return op;
    }
    const fresh = index + 3;
    const ipv6 = op.line.ipv6.map((one, place) => ({
      ...one,
      address: ipv6Of(op.wan, 20 * (fresh + place)),
    }));
    return {
      ...op,
      line: {
        ...op.line,
        ipv6,
        ...(op.line.ipv4 !== undefined && { ipv4: ipv4Of(op.wan, fresh) }),
        ...(op.line.lan !== undefined && { lan: `2001:db8:f${op.wan}:${fresh}00` }),
      },
    };
  });
}

describe('9. Clock-proof', () => {
  // Mutation tried: waits end by the wall clock -> fails.
  test('jumps of the wall clock change no request and no moment of one', () => {
    fc.assert(
      fc.property(stories({ verify: false }), ({ world, ops }) => {
        const steady = ops.map((op) => (op.does === 'wall' ? { does: op.does, afterMs: op.afterMs } : op));

        expect(sentOf(told({ world, ops }))).toEqual(sentOf(told({ world, ops: steady })));
      }),
      { numRuns: RUNS.clockProof },
    );
  });
});

describe('9. Clock-proof: the clock is set', () => {
  // Mutation tried: a set clock forgives nothing -> fails.
  test('a router that boots in 1970 tries again at the moment its clock is set', () => {
    const tls = FAILURES.attempt[0];
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 20 * MINUTE_MS }), (setMs) => {
        const endless = Array.from({ length: 40 }, () => ({
          delayMs: 50,
          failure: tls,
          applied: false,
          partial: false,
        }));
        const simulation = simulate({ ...ONE_LANE, answers: [endless] });
        simulation.play([{ does: 'wall', afterMs: 0, toMs: 20 * SECOND_MS }]);
        simulation.run(setMs);
        const waiting = simulation.state().lanes['account0/eth0']?.attempt === undefined;

        simulation.play([
          { does: 'wall', afterMs: 0, toMs: Date.UTC(2026, 5, 1) },
          { does: 'clock-set', afterMs: 0 },
        ]);

        expect(simulation.sent().at(-1)?.atMs === setMs).toBe(waiting);
      }),
      { numRuns: RUNS.clockSet },
    );
  });
});

describe('11. Bound', () => {
  // Mutation tried: the device of the IPv6 address comes first -> fails.
  test('an update leaves through the device of the WAN that its address comes from, or not at all', () => {
    fc.assert(
      fc.property(stories(), (story) => {
        const simulation = told(story);

        for (const { sent, seen } of withSight(simulation.trace)) {
          for (const { host } of sent.items) {
            const spec = hostOf(story.world, host);
            const from = wanted(spec, 'ipv4', seen ?? []) ?? wanted(spec, 'ipv6', seen ?? []);
            expect(from && deviceOf(from.wan)).toBe(sent.device);
            expect(sent.lane).toBe(`${sent.account}/${sent.device}`);
          }
        }
      }),
      { numRuns: RUNS.bound },
    );
  });
});

describe('12. Both families together', () => {
  // Mutation tried: the changed family is sent alone -> fails.
  test('where one call takes both, both go whenever both are there', () => {
    fc.assert(
      fc.property(stories(), ({ world, ops }) => {
        const accounts = world.accounts.map((account) => ({ ...account, dual: true }));
        const simulation = told({ world: { ...world, accounts }, ops });

        for (const { sent, seen } of withSight(simulation.trace)) {
          for (const item of sent.items) {
            const spec = hostOf(world, item.host);
            const there = (['ipv4', 'ipv6'] as const).filter((family) => wanted(spec, family, seen ?? []));
            expect(familiesOf(item)).toEqual(there);
          }
        }
      }),
      { numRuns: RUNS.together },
    );
  });
});
