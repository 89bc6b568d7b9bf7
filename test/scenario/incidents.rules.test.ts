/**
 * A thousand days on which anything goes wrong with the DNS, the line and the provider, in any order: the whole
 * agent with its real checks. No rule of the policy breaks meanwhile, and once all is quiet it says so.
 */
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { verifierOf } from '../../agent/engine/checks/verifier.ts';
import { statusOf } from '../../agent/engine/status.ts';
import type { DnsQuestion, DnsResult } from '../../agent/ports.ts';
import { good, lineAt, type Reply, type ScenarioAgent, says, scenario, unreachable, wanAt } from './agent.ts';
import { AT_HOME, CONTROL, type DnsWorld, dnsWorld, FAIR, NAME, PUBLIC, type Weather } from './dns-world.ts';

vi.setConfig({ testTimeout: 300_000 });

const DAYS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Longer than any wait that the faults below bring about. */
const QUIET_MS = 14 * HOUR_MS;
const REPLY_MS = 20;
const BUSY_WAIT_MS = 30 * MINUTE_MS;
const ADDRESSES = ['198.51.100.10', '198.51.100.11', '198.51.100.12'] as const;

const CONFIG = `
config agent
	option resync '86400'
	option contact 'admin@example.org'

config account 'noip'
	option provider 'no-ip.com'
	option username 'noip-user'
	option password 'secret-noip'

config hostname 'home'
	option hostname '${NAME}'
	option account 'noip'
	option allow_private '1'
`;

/** `unheard`: carried out, but the reply is lost. */
type Api = 'fine' | 'busy' | 'unreachable' | 'unheard';

type Op =
  | { does: 'weather'; change: Partial<Weather> }
  | { does: 'api'; api: Api }
  | { does: 'move'; to: number }
  | { does: 'restart' }
  | { does: 'reboot' }
  | { does: 'wait' };

interface Day {
  ops: { op: Op; thenMs: number }[];
  random: number;
}

const serving = fc.constantFrom('right', 'old', 'gone', 'lame', 'fault', 'silent');
const weather = fc.oneof<fc.Arbitrary<Partial<Weather>>[]>(
  fc.record({ hands: fc.constantFrom('provider', 'takers', 'both', 'nobody') }),
  fc.record({ takers: fc.constantFrom('copy', 'old', 'sinkhole', 'silent', 'empty') }),
  fc.record({ servers: fc.tuple(serving, serving) }),
  // A fault of one server is rare, one of all is the usual kind.
  serving.map((one) => ({ servers: [one, one] as const })),
  fc.record({ parents: fc.constantFrom('fine', 'silent') }),
  fc.record({ line: fc.constantFrom('fine', 'intercepted', 'blocked') }),
  fc.record({ filter: fc.boolean() }),
  fc.constant(FAIR),
);
const op = fc.oneof(
  { weight: 6, arbitrary: weather.map((change): Op => ({ does: 'weather', change })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<Api[]>('fine', 'busy', 'unreachable', 'unheard')
      .map((api): Op => ({ does: 'api', api })),
  },
  { weight: 2, arbitrary: fc.nat(ADDRESSES.length - 1).map((to): Op => ({ does: 'move', to })) },
  { weight: 1, arbitrary: fc.constantFrom<Op[]>({ does: 'restart' }, { does: 'reboot' }, { does: 'wait' }) },
);
/** From a moment to two hours between two things that happen. */
const pause = fc.oneof(
  fc.nat(30_000),
  fc.integer({ min: MINUTE_MS, max: 20 * MINUTE_MS }),
  fc.nat(2 * HOUR_MS),
);
const days: fc.Arbitrary<Day> = fc.record({
  ops: fc.array(fc.record({ op, thenMs: pause }), { minLength: 1, maxLength: 10 }),
  random: fc.double({ min: 0, max: 0.99, noNaN: true }),
});

interface Lived {
  agent: ScenarioAgent;
  world: DnsWorld;
  /** Everything that the weather ever was, and since when. */
  weathers: { atMs: number; weather: Weather }[];
  /** The address of the line, and since when. */
  moves: { atMs: number; address: string }[];
  /** What became of each request, in order. */
  replies: Api[];
  /** When the agent ended and began again. */
  endsMs: number[];
}

async function live({ ops, random }: Day): Promise<Lived> {
  let api: Api = 'fine';
  let world: DnsWorld | undefined;
  let address: string = ADDRESSES[0];
  const replies: Api[] = [];
  const endsMs: number[] = [];
  const weathers: Lived['weathers'] = [{ atMs: 0, weather: FAIR }];
  const moves: Lived['moves'] = [{ atMs: 0, address }];

  const reply: Reply = (sent) => {
    replies.push(api);
    if (api === 'unreachable') {
      return unreachable();
    }
    if (api === 'busy') {
      return says('911');
    }
    const [stored] = sent.addresses;
    const isNew = world?.record !== stored;
    if (world && isNew) {
      world.before = world.record;
      world.record = stored;
    }
    if (api === 'unheard') {
      return failedUnheard();
    }
    return isNew ? good(sent) : says(`nochg ${stored}`);
  };

  const agent = await scenario({
    ...{ config: CONFIG, fixture: lineAt(address), replies: reply, random },
    latencyMs: REPLY_MS,
    verifier(clock) {
      world = dnsWorld(clock);
      const at = (addresses: readonly string[]) => addresses.map((one) => ({ address: one, port: 53 }));
      return verifierOf({
        ...{ clock, random: () => random, dns: world, userAgent: () => 'Holdfast' },
        dnsOverHttps: { ask: (_, question) => overHttps(worldOf(world), question) },
        // The web site of the provider is always there.
        http: { request: async () => says('a page'), idle() {} },
        resolvers: async () => at(AT_HOME),
        settings: () => ({
          publicResolvers: at(PUBLIC),
          controlServers: at(CONTROL),
          dohUrls: ['https://192.0.2.53/dns-query'],
          dnsPort: 53,
        }),
      });
    },
  });
  const nowMs = () => agent.clock.monotonicMs() - startMs;
  const startMs = agent.clock.monotonicMs();
  const dns = worldOf(world);
  // Published and proven before anything happens.
  await agent.advance(20 * MINUTE_MS);

  async function happen(what: Op): Promise<void> {
    switch (what.does) {
      case 'weather':
        setWeather({ ...dns.weather, ...what.change });
        break;
      case 'api':
        api = what.api;
        break;
      case 'move':
        address = ADDRESSES[what.to] ?? address;
        moves.push({ atMs: nowMs(), address });
        agent.feed.notify(wanAt(address));
        await agent.clock.settle();
        break;
      case 'restart':
        endsMs.push(nowMs());
        await agent.restart();
        break;
      case 'reboot':
        endsMs.push(nowMs());
        await agent.reboot();
        break;
      case 'wait':
        break;
    }
  }

  function setWeather(next: Weather): void {
    dns.weather = next;
    weathers.push({ atMs: nowMs(), weather: next });
  }

  for (const { op: what, thenMs } of ops) {
    await happen(what);
    await agent.advance(thenMs);
  }
  setWeather(FAIR);
  api = 'fine';
  await agent.advance(QUIET_MS);
  return { agent, world: dns, weathers, moves, replies, endsMs };
}

function worldOf(world: DnsWorld | undefined): DnsWorld {
  if (!world) {
    throw new Error('the scenario has made no verifier');
  }
  return world;
}

function failedUnheard(): ReturnType<typeof unreachable> {
  const sentence = 'The provider did not answer in time. Holdfast tries again.';
  return {
    kind: 'failed',
    failure: { kind: 'unconfirmed', scope: 'attempt', code: 'http/NO_REPLY', sentence },
  };
}

/** Nobody on the way can answer for it, and no wall before port 53 stops it. */
function overHttps(world: DnsWorld, question: DnsQuestion): Promise<DnsResult> {
  const { weather } = world;
  world.weather = { ...weather, line: 'fine' };
  const answer = world.ask({ address: PUBLIC[0] ?? '', port: 53 }, question);
  world.weather = weather;
  return answer;
}

function statusAt({ agent }: Lived) {
  const now = { ms: agent.clock.monotonicMs(), wallMs: agent.clock.nowMs(), random: 0.5 };
  const facts = { version: '0', runtime: 'test', pid: 1, startedAt: '', memoryKib: 0, limits: [] };
  return statusOf(agent.state(), now, facts, [], []);
}

/** `zone:ddns.net` and the like, in the order of the events. */
function toldOf({ agent }: Lived): { code: string; about: string; opens: boolean }[] {
  return agent.events
    .filter(({ code }) => code.startsWith('incident/'))
    .map(({ code, incident = '' }) => ({
      code: agent.state().incidents.find(({ id }) => id === incident)?.code ?? '',
      about: incident.replace(/@\d+$/, ''),
      opens: code === 'incident/OPENED',
    }));
}

async function forDays(check: (lived: Lived, day: Day) => void, runs = DAYS): Promise<void> {
  await fc.assert(
    fc.asyncProperty(days, async (day) => check(await live(day), day)),
    { numRuns: runs },
  );
}

/** Days that were once told wrong. */
const REMEMBERED: { was: string; ops: Day['ops'] }[] = [
  {
    was: 'an update carried out unheard, and then the old address again, which the provider is too busy to take',
    ops: [
      { op: { does: 'api', api: 'unheard' }, thenMs: 0 },
      { op: { does: 'move', to: 1 }, thenMs: 0 },
      { op: { does: 'api', api: 'busy' }, thenMs: 0 },
      { op: { does: 'move', to: 0 }, thenMs: 1_810_020 },
    ],
  },
  {
    was: 'an update that the agent did not outlive, and then the old address again, which nobody takes',
    ops: [
      { op: { does: 'move', to: 1 }, thenMs: 0 },
      { op: { does: 'move', to: 0 }, thenMs: 0 },
      { op: { does: 'api', api: 'unreachable' }, thenMs: 0 },
      { op: { does: 'restart' }, thenMs: 2_220_060 },
    ],
  },
];

function holds(lived: Lived): void {
  converges(lived);
  neverAWrongAddress(lived);
  repeatsNothing(lived);
  obeysWaits(lived);
  tellsOnceEach(lived);
  tellsWhatWas(lived);
}

describe('whatever happens to the DNS', () => {
  test('the rules hold, and the last word is right', async () => {
    await forDays(holds);
  });

  test.for(REMEMBERED)('$was', async ({ ops }) => {
    holds(await live({ ops, random: 0 }));
  });
});

/** Published, proven, and nothing open. */
function converges(lived: Lived): void {
  const { world, moves } = lived;
  const status = statusAt(lived);
  const [home] = status.hostnames;
  const axes = Object.values(home?.axes ?? {});

  expect(world.record, 'what the provider has').toBe(moves.at(-1)?.address);
  expect(
    axes.map(({ code, verdict }) => `${code} ${verdict}`),
    'the axes at the end',
  ).toEqual(['update/OK ok', 'delegation/OK ok', 'authority/OK ok', 'public/OK ok']);
  expect(home?.works).toBe('yes');
  expect(status.incidents.filter(({ closedAt }) => closedAt === undefined)).toEqual([]);
  expect(JSON.stringify(status), 'no secret in the status').not.toContain('secret');
}

/** Only the address that the line has at that moment. */
function neverAWrongAddress({ agent, moves }: Lived): void {
  for (const { atMs, addresses } of agent.requests) {
    const before = moves.filter((move) => move.atMs < atMs).at(-1);
    const then = moves.filter((move) => move.atMs === atMs);
    expect([before, ...then].map((move) => [move?.address])).toContainEqual(addresses);
  }
}

/** The same address again only after a failure, once after each end, or once each time that the name was gone. */
function repeatsNothing({ agent, replies, weathers, endsMs }: Lived): void {
  const repeats = agent.requests.filter(
    ({ addresses }, index) =>
      replies[index - 1] === 'fine' && agent.requests[index - 1]?.addresses.join() === addresses.join(),
  );
  const timesGone = weathers.filter(
    ({ weather }, index) => mayBeGone(weather) && !mayBeGone(weathers[index - 1]?.weather ?? FAIR),
  );

  expect(repeats.length, 'updates that nothing called for').toBeLessThanOrEqual(
    timesGone.length + endsMs.length,
  );
}

/** While the zone above is silent the servers of before are asked, whoever has the zone by now. */
function mayBeGone({ hands, parents, servers }: Weather): boolean {
  return (hands !== 'takers' || parents === 'silent') && servers.includes('gone');
}

/** After 911 its thirty minutes pass, whatever happens meanwhile; a reply that a dead agent got is nobody's. */
function obeysWaits({ agent, replies, endsMs }: Lived): void {
  for (const [index, { atMs }] of agent.requests.entries()) {
    const before = agent.requests[index - 1]?.atMs ?? 0;
    const isHeard = !endsMs.some((endMs) => endMs >= before && endMs <= before + REPLY_MS);
    if (replies[index - 1] === 'busy' && isHeard) {
      expect(atMs - before).toBeGreaterThanOrEqual(BUSY_WAIT_MS);
    }
  }
}

/** Each incident opens once and closes once, and no two about the same thing are open together. */
function tellsOnceEach(lived: Lived): void {
  const open = new Set<string>();
  for (const { about, opens } of toldOf(lived)) {
    expect(open.has(about), `${opens ? 'opened twice' : 'closed, but not open'}: ${about}`).toBe(!opens);
    if (opens) {
      open.add(about);
    } else {
      open.delete(about);
    }
  }
  expect([...open], 'never closed').toEqual([]);
}

/** Nothing is told that never was; what cannot be checked is no incident. */
function tellsWhatWas(lived: Lived): void {
  const { weathers } = lived;
  const ever = (was: (weather: Weather) => boolean) => weathers.some(({ weather }) => was(weather));
  const isOdd = ever(({ hands, servers }) => hands !== 'provider' || servers.some((one) => one !== 'right'));
  const excuses: Record<string, boolean> = {
    'delegation/CHANGED': ever(({ hands }) => hands === 'takers'),
    'delegation/REMOVED': ever(({ hands }) => hands === 'nobody'),
    'authority/SINKHOLED': ever(({ hands, takers }) => hands !== 'provider' && takers === 'sinkhole'),
    'authority/GONE': ever(mayBeGone),
    'authority/ZONE_FAULT': ever(
      ({ hands, servers }) =>
        hands !== 'provider' || servers.some((one) => one === 'lame' || one === 'fault' || one === 'silent'),
    ),
    'authority/STALE': isOdd,
    'authority/PARTIAL': isOdd,
    'public/FAULT': isOdd,
    'public/WRONG': isOdd,
  };
  for (const { code, about } of toldOf(lived)) {
    const isOfApi = about.startsWith('account:') || about.startsWith('block:');
    expect(isOfApi || excuses[code], `an incident ${code} about ${about}`).toBe(true);
  }
}
