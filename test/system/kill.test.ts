/** Power cuts: SIGKILL at random moments. `HOLDFAST_SEED=... ` repeats a run, as far as processes can. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';
import {
  accountSection,
  agentSection,
  hostSection,
  makeRouter,
  makeService,
  type Router,
  readJson,
  until,
} from './agent-process.ts';

/** Two hundred kills on Node; what decides is the same code on QuickJS. */
const AGENTS = inject('runtime') === 'quickjs' ? 4 : 10;
const KILLS_EACH = 20;
const LATEST_KILL_MS = 400;
/** So long is a request on its way, so that many kills hit one. */
const REPLY_MS = 100;
/** Longer than the 5 s pause after a crash during a request, on a machine that does other things as well. */
const PATIENCE_MS = 60_000;

interface SavedFile {
  state: { hosts: Record<string, { confirmed: { ipv4?: { address: string } } }> };
}

test('after kill -9 at any moment: the same end, no damaged file, at most one request again', {
  timeout: 180_000,
}, async () => {
  const seed = Number(process.env.HOLDFAST_SEED ?? Date.now() % 2 ** 31);
  console.log(`HOLDFAST_SEED=${seed}`);
  const accounts = Array.from({ length: AGENTS }, (_, index) => ({
    username: `user${index}`,
    password: `password-${index}`,
    hosts: [`h${index}.ddns.example`],
  }));
  const service = await makeService({ accounts });
  service.levers.slow(REPLY_MS);
  const lives = await Promise.all(accounts.map((account, index) => tortured(account, seed + index)));
  const repeated = lives.reduce((sum, one) => sum + one.repeated, 0);
  console.log(`${AGENTS * KILLS_EACH} kills, ${repeated} requests repeated`);

  expect(lives.flatMap(({ faults }) => faults)).toEqual([]);
  // Else no kill hit a request, and this test shows nothing.
  expect(repeated).toBeGreaterThan(0);
  expect(service.state().blocked).toEqual([]);
  service.assertQuiet();

  /** One agent through all its deaths. */
  async function tortured(
    { username, password, hosts: [hostname = ''] }: (typeof accounts)[0],
    mySeed: number,
  ) {
    const random = seededRandom(mySeed);
    const router = makeRouter();
    const faults: string[] = [];
    /** The last life that may still have asked for an address: the one whose death found it unconfirmed. */
    const confirmedInLife = new Map<string, number>();
    let life = 0;
    let round = 0;
    let kills = 0;
    let address = '';
    let agent = start();

    /** The contact is part of every request: it tells which life sent it. */
    function start() {
      life += 1;
      router.configure(
        agentSection(service, { contact: `life${life}@example.org`, verify: '0', log_level: 'error' }) +
          accountSection(service, 'mine', { username, password }) +
          hostSection('home', hostname, 'mine'),
      );
      return router.start(['run']);
    }

    /** Another device each time, as a modem that was plugged in anew: a flapping one would be held down. */
    function move(): void {
      round += 1;
      address = `198.51.100.${round}`;
      router.moveTo(address, `eth${round}`);
    }

    async function kill(): Promise<void> {
      kills += 1;
      agent.signal('KILL');
      await agent.ended;
      const saved = confirmedOnDisk(router);
      if (saved !== undefined && !confirmedInLife.has(saved)) {
        confirmedInLife.set(saved, life);
      }
    }

    async function converged(): Promise<void> {
      await until(
        `${hostname} at ${address}`,
        () => {
          const record = service.values(hostname, 'A')[0];
          const saved = confirmedOnDisk(router);
          const shown = router.status()?.agent.pid === agent.pid && router.host('home');
          const verdict = shown ? shown.axes.update.verdict : 'none';
          const done = record === address && saved === address && verdict === 'ok';
          return done || `record ${record}, confirmed ${saved}, ${verdict}: ${agent.stderr()}`;
        },
        PATIENCE_MS,
      );
    }

    move();
    await converged();
    while (kills < KILLS_EACH) {
      if (random() < 0.5 || kills + 2 > KILLS_EACH) {
        move();
      } else {
        await kill();
        move();
        agent = start();
      }
      await pause(random() * LATEST_KILL_MS);
      await kill();
      agent = start();
      await converged();
    }
    agent.signal('TERM');
    const { status } = await agent.ended;

    const files = readdirSync(router.stateDir)
      .concat(readdirSync(join(router.folder, 'flash')))
      .sort();
    expect({ hostname, status, files }).toEqual({
      ...{ hostname, status: 0, files: ['published.json', 'state.json', 'status.json'] },
    });
    const sent = service
      .requests()
      .filter((request) => request.username === username)
      .map(({ userAgent, query }) => ({
        life: Number(/life(\d+)@/.exec(userAgent)?.[1]),
        address: query.myip ?? '',
      }));
    const earlier = new Map<string, number>();
    let repeated = 0;
    for (const [index, request] of sent.entries()) {
      const before = earlier.get(request.address);
      const confirmed = confirmedInLife.get(request.address) ?? life;
      const again = sent.slice(0, index).filter((one) => one.address === request.address);
      if (again.some((one) => one.life === request.life)) {
        faults.push(`${hostname} ${request.address}: twice in life ${request.life}`);
      }
      if (request.life > confirmed) {
        faults.push(
          `${hostname} ${request.address}: confirmed in life ${confirmed}, sent in ${request.life}`,
        );
      }
      repeated += before === undefined ? 0 : 1;
      earlier.set(request.address, request.life);
    }
    return { faults, repeated };
  }
});

function confirmedOnDisk(router: Router): string | undefined {
  const files = ['state.json', 'status.json'].map((name) => join(router.stateDir, name));
  const [state] = [...files, router.publishedFile].map((path) => readJson<SavedFile>(path));
  return state?.state.hosts.home?.confirmed.ipv4?.address;
}

/** Mulberry32: small, and good enough for moments. */
function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
