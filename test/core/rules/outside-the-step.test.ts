/** The rules that need more than the step: the files, the request, the route. */
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { AccountConfig, Config } from '../../../agent/config/config.ts';
import { planOf } from '../../../agent/config/plan.ts';
import { initialState, savedState } from '../../../agent/core/state.ts';
import { step } from '../../../agent/core/step.ts';
import { uplinkOf } from '../../../agent/core/via.ts';
import { statusOf } from '../../../agent/engine/status.ts';
import { runUpdate } from '../../../agent/engine/update.ts';
import type { Files, HttpRequest, HttpResult } from '../../../agent/ports.ts';
import { createRedactor } from '../../../agent/providers/redact.ts';
import { PROTOCOLS } from '../../../agent/providers/registry.ts';
import { createStore } from '../../../agent/store/state.ts';
import { PROVIDERS } from '../../fakes/catalogue.ts';
import { protocolPorts } from '../../fakes/protocol-ports.ts';
import {
  deviceOf,
  HOUR_MS,
  type Line,
  MINUTE_MS,
  pickLine,
  type Saved,
  SECOND_MS,
  seeded,
  simulate,
  snapshotOf,
  type World,
} from '../simulation.ts';

const RUNS = { powerCut: 300, secrets: 400, uplink: 500 } as const;

vi.setConfig({ testTimeout: 60_000 });

/** Files in memory. After `cutAfter` operations the power is gone: nothing more is done, nobody is answered. */
function filesWithCut(disk: Map<string, string>, cutAfter: number): Files {
  let operations = 0;
  async function operate(run: () => void): Promise<void> {
    operations += 1;
    if (operations > cutAfter) {
      await new Promise<never>(() => {});
    }
    run();
  }
  return {
    readText: async (path) => (path.endsWith('boot_id') ? 'boot-1' : disk.get(path)),
    async writeAtomic(path, text) {
      await operate(() => disk.set(`${path}.tmp`, text));
      await operate(() => disk.set(path, text));
    },
    rename: (from, to) =>
      operate(() => {
        disk.set(to, disk.get(from) ?? '');
        disk.delete(from);
      }),
    remove: (path) => operate(() => disk.delete(path)),
    makeFolder: () => operate(() => {}),
    listFolder: async () => [],
  };
}

function storeOn(disk: Map<string, string>, cutAfter: number, monotonicMs: () => number) {
  return createStore({
    files: filesWithCut(disk, cutAfter),
    clock: { nowMs: () => Date.UTC(2026, 0, 1), monotonicMs, after: () => () => {} },
    log: (_level, message) => {
      if (message.includes('damaged')) {
        throw new Error(message);
      }
    },
    random: () => 0.5,
    stateDir: '/run/holdfast',
    publishedFile: '/etc/holdfast/published.json',
  });
}

const LINE_WORLD: World = {
  accounts: [{ dual: true, minIntervalMs: 0 }],
  hosts: [
    { account: 0, wans: [0], family: 'dual', suffix: false },
    { account: 0, wans: [0], family: 'ipv4', suffix: false },
  ],
  wans: 1,
  verify: false,
  resyncMs: 24 * HOUR_MS,
  allowPrivate: true,
  random: 0.5,
  answers: [],
};

describe('8. Crash-safe: the files', () => {
  // Mutation tried: what is merged from two files is half of one state -> fails.
  test('the power cut between any two operations leaves one whole earlier state', async () => {
    const changes = fc.array(
      seeded((pick) => ({ afterMs: pick([SECOND_MS, MINUTE_MS, HOUR_MS]), line: pickLine(pick, 0) })),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(changes, fc.nat({ max: 60 }), fc.nat({ max: 3 }), async (made, cutAfter, patience) => {
        const simulation = simulate(LINE_WORLD);
        simulation.run(MINUTE_MS);
        simulation.play(made.map((one) => ({ ...one, does: 'line', wan: 0, told: 'pushed' })));
        simulation.run(6 * MINUTE_MS);
        const states = simulation.history();
        const disk = new Map<string, string>();
        let savedMs = 0;
        const before = storeOn(disk, cutAfter, () => savedMs);
        await before.load();

        for (const [index, saved] of states.entries()) {
          ({ savedMs } = saved);
          before.save(saved.state, []);
          if (index % (patience + 1) === 0) {
            await Promise.race([before.flush(), new Promise((resolve) => setImmediate(resolve))]);
          }
        }
        await Promise.race([before.flush(), new Promise((resolve) => setImmediate(resolve))]);
        const after = storeOn(disk, Number.POSITIVE_INFINITY, () => savedMs);
        const { state: loaded } = await after.load();

        // What was confirmed may come from the newer of two files; all else is one state as it once was.
        const stripped = (state: Saved['state'] | undefined) =>
          JSON.stringify(
            state && { ...state, hosts: Object.values(state.hosts).map(({ confirmed: _, ...host }) => host) },
          );
        const once = new Set(states.map(({ state }) => stripped(state)));
        const text = disk.get('/run/holdfast/state.json');
        expect(text === undefined || once.has(stripped(loaded))).toBe(true);
        const confirmed = new Set(states.map(({ state }) => confirmedText(state)));
        expect(loaded === undefined || confirmed.has(confirmedText(loaded))).toBe(true);
      }),
      { numRuns: RUNS.powerCut },
    );
  });
});

/** The addresses that were confirmed, host by host. */
function confirmedText(state: Saved['state']): string {
  return JSON.stringify(
    ['host0', 'host1'].map((id) => [
      state.hosts[id]?.confirmed.ipv4?.address,
      state.hosts[id]?.confirmed.ipv6?.address,
    ]),
  );
}

describe('10. Secret-proof', () => {
  const printable = 'abcdefghijklmnopqrstuvwxyz0123456789+/%&=:;"\'\\ <>$';
  const secret = fc
    .array(fc.constantFrom(...printable), { minLength: 6, maxLength: 24 })
    .map((characters) => `Zq${characters.join('')}9X`);

  function formsOf(username: string, password: string): string[] {
    return [password, encodeURIComponent(password), btoa(password), btoa(`${username}:${password}`)];
  }

  // Mutations tried in dyndns2: the line of a failure, the first line of a fault, or the exchange is not redacted -> all fail.
  test('a credential is in the authentication of the request and nowhere else', async () => {
    await fc.assert(
      fc.asyncProperty(
        secret,
        fc.constantFrom(200, 301, 401, 429, 500, 404),
        fc.constantFrom('good', 'badauth', '911', 'w10', 'nonsense', '<html>', 'good 192.0.2.1'),
        fc.nat({ max: 3 }),
        async (password, status, word, form) => {
          const echo = formsOf('user', password)[form] ?? password;
          const { config, account } = configurationWith(password);
          const requests: HttpRequest[] = [];
          const traces: unknown[] = [];
          const reply: HttpResult = {
            kind: 'reply',
            reply: {
              status,
              headers: { location: `https://login.example.net${status === 301 ? '' : '/'}?from=${echo}` },
              body: `${word} ${echo}\n${echo}`,
              truncated: false,
            },
          };
          const plan = planOf(config, 'salt');
          const now = { ms: 1000, wallMs: Date.UTC(2026, 0, 1), random: 0.5 };
          const planned = step(initialState(undefined, 0), { type: 'planned', plan }, now);
          const snapshot = snapshotOf([{ up: true, ipv4: '203.0.113.1', ipv6: [] }]);
          const seen = step(
            planned.state,
            { type: 'observed', source: 'network', observation: { known: true, snapshot } },
            now,
          );
          const [command] = seen.commands.filter((one) => one.type === 'update');
          if (!command) {
            throw new Error('no update was decided');
          }

          const outcomes = await runUpdate(
            {
              ...protocolPorts({
                http: {
                  async request(request) {
                    requests.push(request);
                    return reply;
                  },
                  idle() {},
                },
              }),
              protocols: PROTOCOLS,
              account: () => ({ ...account, credential: { username: 'user', password } }),
              userAgent: () => 'Holdfast/0 (test)',
              redact: createRedactor(() => config.accounts.values(), formsOf),
              onExchange: (_account, exchange) => traces.push(exchange),
            },
            command,
            seen.state,
          );
          const { lane, attempt } = command;
          const ended = step(seen.state, { type: 'updated', lane, attempt, outcomes }, now);

          expect(requests.map(({ authorization }) => authorization)).toEqual([
            { scheme: 'basic', username: 'user', password },
          ]);
          const agent = {
            version: '0',
            runtime: 'test',
            pid: 1,
            startedAt: '2026-01-01T00:00:00Z',
            memoryKib: 1,
          };
          const shown = JSON.stringify([
            requests.map(({ authorization: _, ...rest }) => rest),
            plan,
            traces,
            outcomes,
            ended.commands,
            savedState(ended.state),
            statusOf(ended.state, now, agent, [], []),
          ]);
          for (const one of formsOf('user', password)) {
            expect(shown).not.toContain(JSON.stringify(one).slice(1, -1));
          }
        },
      ),
      { numRuns: RUNS.secrets },
    );
  });
});

function configurationWith(password: string): { config: Config; account: AccountConfig } {
  const provider = PROVIDERS.get('no-ip.com');
  if (!provider) {
    throw new Error('no-ip.com is not in the catalogue');
  }
  const account: AccountConfig = { id: 'noip', provider, username: 'user', password, options: {} };
  const config: Config = {
    agent: {
      enabled: true,
      logLevel: 'notice',
      resyncSec: 600,
      holdDownSec: 10,
      verify: false,
      runtime: 'auto',
      mode: 'resident',
      contact: '',
      notify: [],
      notifyScript: '',
      resolvers: [],
      publicResolvers: [],
      controlServers: [],
      dohUrls: [],
      dnsPort: 53,
      stateDir: '/run/holdfast',
      publishedFile: '/etc/holdfast/published.json',
    },
    accounts: new Map([[account.id, account]]),
    hostnames: [
      {
        id: 'home',
        enabled: true,
        hostname: 'home.example.org',
        inDns: true,
        account: account.id,
        networks: ['wan0'],
        devices: [],
        family: 'ipv4',
        source: 'network',
        allowPrivate: true,
        standby: [],
      },
    ],
    aliases: [],
  };
  return { config, account };
}

describe('11. Bound: the route', () => {
  // Mutations tried: never bound; bound to a deprecated address -> both fail.
  test('where another way out exists the request is bound to the own addresses of its WAN', () => {
    const lines = fc.array(
      seeded((pick) => [0, 1, 2].map((wan) => pickLine(pick, wan))),
      { minLength: 1, maxLength: 1 },
    );
    fc.assert(
      fc.property(lines, fc.nat({ max: 2 }), ([shown = []], wan) => {
        const others = shown.some((line, index) => index !== wan && line.up && hasRoute(line));

        const uplink = uplinkOf([snapshotOf(shown)], deviceOf(wan));

        const own = shown[wan];
        // A lasting address before a temporary one: the outside then sees what can be published.
        const byState = (wanted: string) => own?.ipv6.find(({ state }) => state === wanted)?.address;
        const first = byState('good') ?? byState('temporary');
        const expected = {
          device: deviceOf(wan),
          ...(own?.up && own.ipv4 !== undefined && { ipv4: own.ipv4 }),
          ...(own?.up && first !== undefined && { ipv6: first }),
        };
        expect(uplink).toEqual(others ? expected : undefined);
      }),
      { numRuns: RUNS.uplink },
    );
  });
});

function hasRoute(line: Line): boolean {
  return line.ipv4 !== undefined || line.ipv6.length > 0;
}
