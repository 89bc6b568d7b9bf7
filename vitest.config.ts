import { readFileSync, statfsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Properties over thousands of generated cases, and the oddities of every provider: thorough, not quick. */
const RULES = [
  'test/fleet/fleet.test.ts',
  'test/fuzz/fuzz.test.ts',
  'test/core/rules.test.ts',
  'test/scenario/incidents.rules.test.ts',
  'test/core/rules/**/*.test.ts',
  'test/core/octets.test.ts',
  'test/core/address-oracle.test.ts',
  'test/config/schema.test.ts',
  'test/store/shape.test.ts',
  'test/providers/own-entries.test.ts',
  'test/providers/never-by-accident.test.ts',
  'test/providers/rest-catalogue.test.ts',
];
/** Runs on a real `qjs`. */
const QUICKJS = 'test/quickjs/**/*.test.ts';
/** QuickJS has its own, which looks closer: `growth`. */
const SOAK = 'test/soak/**/*.test.ts';
/** The fault table: the bundle on Node, on a clock of its own. */
const FAULTS = 'test/faults/**/*.test.ts';
/** Runs a real program, the stand-in for `ubus`. */
const PROGRAMS = ['test/openwrt/ubus-standin.test.ts'];

const MEMORY = '/dev/shm';
const ENOUGH_BYTES = 2 ** 30;

/** Thousands of files that are synced one by one and thrown away: where memory can hold them, no disk need. */
function isMemoryUsable(): boolean {
  try {
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .find(([, folder]) => folder === MEMORY);
    const { bavail, bsize } = statfsSync(MEMORY);
    // Docker mounts it without leave to run programs, and with 64 MB.
    const isOpen = mount?.[2] === 'tmpfs' && !/\b(noexec|ro)\b/.test(mount[3] ?? '');
    return isOpen && bavail * bsize >= ENOUGH_BYTES;
  } catch {
    return false;
  }
}

if (process.env.TMPDIR === undefined && isMemoryUsable()) {
  process.env.TMPDIR = MEMORY;
}

/** Many seconds each: begun last, one of them would run on alone. Those that work and those that wait in turns. */
const LONG = [
  'test/demo/replay.test.ts',
  'test/quickjs/growth.test.ts',
  'test/soak/soak.test.ts',
  'test/system/kill.test.ts',
  'test/quickjs/timer.test.ts',
  'test/faults/',
  'test/quickjs/idle.test.ts',
  'test/core/rules.test.ts',
  'test/net/checks.test.ts',
  'test/system/lifecycle.test.ts',
  'test/service/alias.test.ts',
  'test/system/canary.test.ts',
  'test/quickjs/scenarios.test.ts',
  'test/net/rfc2136',
  'test/quickjs/host.test.ts',
  'test/core/rules/incidents.test.ts',
  'test/demo/demo.test.ts',
  'test/scenario/incidents.rules.test.ts',
  'test/system/load.test.ts',
  'test/system/event-mode.test.ts',
  'test/quickjs/replay.test.ts',
];

/** Nothing of one file can reach another, and loading it once saves most of the time. */
const PURE = {
  isolate: false,
  // They never wait: more of them than cores would only load everything more often. So they go first, alone.
  maxWorkers: '100%',
  sequence: { groupOrder: 0 },
  // Seconds at most; the rest is for a busy machine.
  testTimeout: 30_000,
};

/** Most of the time of a test with real processes is waiting: more of them than a small machine has cores. */
const WAITING = { maxWorkers: 6, sequence: { groupOrder: 1 } };

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((long) => moduleId.includes(long));
      return at === -1 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

/** `arch`: the shape of the house. `unit`: decisions and parsers, no socket. `scenario`: the whole agent over a
 *  recorded world, in virtual time. `net`: real sockets on loopback. `rules`: the policy over ten thousand generated
 *  days. `system`: the built bundle as real processes on Node, `system-quickjs`: the same on QuickJS. */
export default defineConfig({
  test: {
    reporters: ['default'],
    // What one project has compiled need not be compiled for the others.
    experimental: { fsModuleCache: true },
    sequence: { sequencer: LongFirst },
    projects: [
      { test: { ...PURE, name: 'arch', include: ['test/arch/**/*.test.ts'] } },
      {
        test: {
          ...PURE,
          name: 'unit',
          include: [
            'test/{core,config,openwrt,sources,providers,store,cli,engine}/**/*.test.ts',
            'test/luci/{pure/*,po,options}.test.ts',
          ],
          exclude: [...RULES, ...PROGRAMS],
        },
      },
      { test: { ...PURE, name: 'scenario', include: ['test/scenario/**/*.test.ts'], exclude: RULES } },
      { test: { ...WAITING, name: 'rules', include: RULES, testTimeout: 120_000 } },
      {
        test: {
          ...WAITING,
          name: 'net',
          include: ['test/{net,hosts,service,demo,glue}/**/*.test.ts', 'test/luci/rpcd.test.ts', ...PROGRAMS],
          testTimeout: 20_000,
        },
      },
      ...(['node', 'quickjs'] as const).map((runtime) => ({
        test: {
          ...WAITING,
          name: runtime === 'node' ? 'system' : `system-${runtime}`,
          include: ['test/system/**/*.test.ts', ...(runtime === 'quickjs' ? [QUICKJS] : [SOAK, FAULTS])],
          provide: { runtime },
          globalSetup: 'test/system/bundle.ts',
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      })),
    ],
  },
});
