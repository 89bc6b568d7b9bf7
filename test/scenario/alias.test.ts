/** An alias over whole days: an outage moves it once, a recovery moves it back once, and doubt never does. */
import { describe, expect, test } from 'vitest';
import type { AliasFound } from '../../agent/core/alias.ts';
import type { AnswerKind, Verification } from '../../agent/core/health.ts';
import type { Works } from '../../agent/core/works.ts';
import type { ActionOf } from '../../agent/engine/commands.ts';
import { statusOf } from '../../agent/engine/status.ts';
import type { InterfaceStatus } from '../fakes/netifd-feed.ts';
import { good, type Reply, type ScenarioAgent, says, scenario } from './agent.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const HOME = 'home.ddns.net';
const DUCK = 'home.dynu.net';
const CONFIG = `
config agent
	option contact 'admin@example.org'
	option resync '3600'

config account 'noip'
	option provider 'no-ip.com'
	option username 'user'
	option password 'secret-1'

config account 'dynu'
	option provider 'dynu.com'
	option username 'user'
	option password 'secret-2'

config account 'dns'
	option provider 'bind-nsupdate'
	option username 'key'
	option password 'secret00'
	option server '192.0.2.53'
	option zone 'example.org'

config hostname 'home'
	option hostname '${HOME}'
	option account 'noip'
	option allow_private '1'
	list standby 'duck'

config hostname 'duck'
	option hostname '${DUCK}'
	option account 'dynu'

config alias 'www'
	option hostname 'www.example.org'
	option account 'dns'
	list target 'home'
	list target 'duck'
`;

function wan(address: string): InterfaceStatus {
  return {
    interface: 'wan',
    up: true,
    l3_device: 'eth1',
    'ipv4-address': [{ address, mask: 24 }],
    route: [{ target: '0.0.0.0', mask: 0 }],
  };
}

const KINDS: Record<Works, AnswerKind> = { yes: 'ok', no: 'fault', unknown: 'unreachable' };

/** What the DNS says of a name, by whether it works. */
function dnsSays(hostname: string, works: Works): Verification {
  const zone = hostname.split('.').slice(-2).join('.');
  const server = `ns1.${zone}`;
  return {
    zone,
    delegation: [{ server: 'a.nic.example', nameServers: [server] }],
    authority: [{ server, family: 'ipv4', kind: KINDS[works], detail: `it says ${works}` }],
    publicView: [],
  };
}

interface World {
  health: Record<string, Works>;
  /** What the CNAME points at. */
  cname?: string;
}

interface Begun {
  agent: ScenarioAgent;
  /** Each write with the minute it came in. */
  writes: string[];
  /** Tasks of every kind. */
  tasks: string[];
  world: World;
}

async function begin(world: World, replies: Reply = good, config = CONFIG): Promise<Begun> {
  const writes: string[] = [];
  const tasks: string[] = [];
  let agent: ScenarioAgent | undefined;
  function alias({ task, target }: ActionOf<'alias'>): AliasFound {
    tasks.push(task);
    if (task === 'check') {
      const seen = { verdict: 'ok' as const, code: 'alias/OK', sentence: 'It is seen.', evidence: [] };
      const other = { ...seen, verdict: 'warning' as const, code: 'alias/DIFFERENT' };
      return world.cname === target ? { seen } : { seen: other, points: world.cname ?? '' };
    }
    if (task === 'write' && target !== undefined) {
      world.cname = target;
      writes.push(`${Math.round((agent ? agent.clock.monotonicMs() - startMs : 0) / MINUTE_MS)} ${target}`);
    }
    return world.cname === undefined ? {} : { points: world.cname };
  }
  const started = await scenario({
    config,
    fixture: { name: 'made', description: '', dumpBefore: { interface: [wan('192.0.2.10')] }, steps: [] },
    replies,
    alias,
    verify: ({ hostname }) => dnsSays(hostname, world.health[hostname] ?? 'unknown'),
  });
  const startMs = started.clock.monotonicMs();
  agent = started;
  return { agent, writes, tasks, world };
}

const moves = ({ agent }: Begun) => agent.events.filter(({ code }) => code === 'alias/MOVED');

describe('a day', () => {
  test('without trouble sets it once and leaves it there', async () => {
    const begun = await begin({ health: { [HOME]: 'yes', [DUCK]: 'yes' } });

    await begun.agent.advance(24 * HOUR_MS);

    expect(begun.writes).toEqual([`0 ${HOME}`]);
    expect(begun.tasks.filter((task) => task === 'read')).toHaveLength(1);
    expect(moves(begun)).toHaveLength(1);
    // The DNS is asked while the change spreads, and hourly after that.
    expect(begun.tasks.filter((task) => task === 'check').length).toBeLessThan(30);
  });

  test('with one outage moves it once, and back once', async () => {
    const begun = await begin({ health: { [HOME]: 'yes', [DUCK]: 'yes' } });
    await begun.agent.advance(3 * HOUR_MS);
    begun.writes.length = 0;

    begun.world.health[HOME] = 'no';
    await begun.agent.advance(4 * HOUR_MS);
    const away = [...begun.writes];
    begun.world.health[HOME] = 'yes';
    await begun.agent.advance(12 * HOUR_MS);

    expect(away).toEqual([expect.stringMatching(new RegExp(`^(18[5-9]|19[0-3]) ${DUCK}$`))]);
    expect(begun.writes.slice(1)).toEqual([expect.stringMatching(new RegExp(`^\\d+ ${HOME}$`))]);
    const [, flight, back] = moves(begun);
    expect(flight).toMatchObject({ level: 'warning', host: 'duck', account: 'dns' });
    expect(flight?.sentence).toMatch(
      /^www\.example\.org points at home\.dynu\.net now, because home\.ddns\.net has not worked for \d+ min \(.*it says no.*\)\.$/,
    );
    expect(back).toMatchObject({ level: 'notice', host: 'home' });
    // An hour of health lay before it.
    const backMin = Number(begun.writes[1]?.split(' ')[0]);
    expect(backMin).toBeGreaterThanOrEqual(7 * 60 + 60);
  });

  test('of which nobody can tell anything moves nothing', async () => {
    const begun = await begin({ health: { [HOME]: 'yes', [DUCK]: 'yes' } });
    await begun.agent.advance(3 * HOUR_MS);

    begun.world.health[HOME] = 'unknown';
    await begun.agent.advance(24 * HOUR_MS);

    expect(begun.writes).toEqual([`0 ${HOME}`]);
  });

  test('on which the name comes and goes moves nothing more than the waits allow', async () => {
    const begun = await begin({ health: { [HOME]: 'yes', [DUCK]: 'yes' } });
    await begun.agent.advance(3 * HOUR_MS);
    begun.writes.length = 0;

    for (let round = 0; round < 48; round++) {
      begun.world.health[HOME] = round % 2 === 0 ? 'no' : 'yes';
      await begun.agent.advance(12 * MINUTE_MS);
    }

    // It left once for an outage that was confirmed, and stays away: the name never works for an hour.
    expect(begun.writes.length).toBeLessThanOrEqual(1);
  });

  test('on which the name fails for 10 minutes in every 90 moves it away, back once, and away', async () => {
    const begun = await begin({ health: { [HOME]: 'yes', [DUCK]: 'yes' } });
    await begun.agent.advance(3 * HOUR_MS);
    begun.writes.length = 0;

    for (let round = 0; round < 11; round++) {
      begun.world.health[HOME] = 'no';
      // A check every five minutes, and two that fail.
      await begun.agent.advance(15 * MINUTE_MS);
      begun.world.health[HOME] = 'yes';
      await begun.agent.advance(75 * MINUTE_MS);
      await (round === 5 && begun.agent.restart());
    }

    expect(begun.writes.map((write) => write.split(' ')[1])).toEqual([DUCK, HOME, DUCK]);
  });

  test('on which somebody points it elsewhere sets it back, and says where it was', async () => {
    const begun = await begin({ health: { [HOME]: 'yes', [DUCK]: 'yes' } });
    await begun.agent.advance(3 * HOUR_MS);

    begun.world.cname = 'www.example.net';
    await begun.agent.advance(3 * HOUR_MS);

    expect(begun.world.cname).toBe(HOME);
    expect(moves(begun).map(({ sentence }) => sentence)).toEqual([
      `www.example.org points at ${HOME} now.`,
      `www.example.org points at ${HOME} now: somebody had pointed it at www.example.net. If it is to stay so, switch the alias off.`,
    ]);
  });

  test('on which both names are down moves nothing', async () => {
    const begun = await begin({ health: { [HOME]: 'yes', [DUCK]: 'no' } });
    await begun.agent.advance(3 * HOUR_MS);

    begun.world.health[HOME] = 'no';
    await begun.agent.advance(12 * HOUR_MS);

    expect(begun.writes).toEqual([`0 ${HOME}`]);
    expect(statusNow(begun.agent).aliases[0]).toMatchObject({ verdict: 'failed', code: 'alias/ALL_DOWN' });
  });
});

function statusNow(agent: ScenarioAgent) {
  const facts = {
    ...{ version: '0', runtime: 'test', pid: 1, startedAt: '', memoryKib: 0, limits: [] },
  };
  const { clock } = agent;
  const now = { ms: clock.monotonicMs(), wallMs: clock.nowMs(), random: 0.5 };
  return statusOf(agent.state(), now, facts, [], []);
}

test('an API that does not take the new address any more is an outage of its name', async () => {
  let isStuck = false;
  const begun = await begin({ health: { [HOME]: 'yes', [DUCK]: 'yes' } }, (request) =>
    isStuck && request.hostnames.includes(HOME) ? says('911', 500) : good(request),
  );
  await begun.agent.advance(2 * HOUR_MS);

  isStuck = true;
  begun.agent.feed.notify(wan('192.0.2.20'));
  await begun.agent.advance(20 * MINUTE_MS);

  expect(begun.writes).toEqual([`0 ${HOME}`, expect.stringMatching(new RegExp(` ${DUCK}$`))]);
  expect(statusNow(begun.agent).aliases[0]?.targets).toEqual([
    { id: 'home', hostname: HOME, works: 'no' },
    { id: 'duck', hostname: DUCK, works: 'yes' },
  ]);
});

describe('the status', () => {
  test('says where it points, which targets work, and what comes next', async () => {
    const begun = await begin({ health: { [HOME]: 'yes', [DUCK]: 'yes' }, cname: DUCK });
    await begun.agent.advance(10 * MINUTE_MS);

    const { aliases, hostnames } = statusNow(begun.agent);

    expect(aliases).toMatchObject([
      {
        id: 'www',
        hostname: 'www.example.org',
        account: 'dns',
        target: 'duck',
        verdict: 'ok',
        code: 'alias/OK',
        sentence: `It points at ${DUCK}.`,
        targets: [
          { id: 'home', hostname: HOME, works: 'yes' },
          { id: 'duck', hostname: DUCK, works: 'yes' },
        ],
        next: { sentence: `It moves to ${HOME}, if nothing changes until then.` },
      },
    ]);
    expect(hostnames.map(({ id, standby }) => [id, standby])).toEqual([
      ['home', ['duck']],
      ['duck', []],
    ]);
  });

  test('where events start the agent, nothing is promised for a moment at which nothing runs', async () => {
    const begun = await begin({ health: { [HOME]: 'yes', [DUCK]: 'yes' }, cname: DUCK });
    await begun.agent.reload(CONFIG.replace('config agent', "config agent\n\toption mode 'event'"));
    await begun.agent.advance(10 * MINUTE_MS);

    const { aliases } = statusNow(begun.agent);

    expect(aliases[0]?.next?.sentence).toBe(
      `It moves to ${HOME}, if nothing changes until then. That is done at the first start of the agent after that, within an hour (option mode).`,
    );
  });
});

describe('a restart', () => {
  test('keeps the waits: the outage is counted on', async () => {
    const begun = await begin({ health: { [HOME]: 'yes', [DUCK]: 'yes' } });
    await begun.agent.advance(3 * HOUR_MS);
    begun.world.health[HOME] = 'no';
    // The first check that finds the outage, and not the second.
    while (begun.agent.state().aliases.www?.health.home?.works !== 'no') {
      await begun.agent.advance(MINUTE_MS);
    }
    begun.writes.length = 0;

    await begun.agent.restart();
    await begun.agent.advance(8 * MINUTE_MS);

    expect(begun.writes).toEqual([expect.stringMatching(new RegExp(` ${DUCK}$`))]);
  });

  test('of the router does not move it back: what is there stays', async () => {
    const begun = await begin({ health: { [HOME]: 'no', [DUCK]: 'yes' } });
    await begun.agent.advance(3 * HOUR_MS);
    expect(begun.world.cname).toBe(DUCK);
    begun.writes.length = 0;

    await begun.agent.reboot();
    await begun.agent.advance(30 * MINUTE_MS);

    expect(begun.writes).toEqual([]);
    expect(begun.agent.state().aliases.www?.target).toBe('duck');
  });

  test('with another first target moves it after a recovery only', async () => {
    const begun = await begin({ health: { [HOME]: 'yes', [DUCK]: 'yes' } });
    await begun.agent.advance(3 * HOUR_MS);
    begun.writes.length = 0;
    const swapped = CONFIG.replace(
      "list target 'home'\n\tlist target 'duck'",
      "list target 'duck'\n\tlist target 'home'",
    );

    await begun.agent.reload(swapped);
    await begun.agent.advance(10 * MINUTE_MS);

    // Both have worked for hours by now: what is preferred has been healthy long enough.
    expect(begun.writes).toEqual([expect.stringMatching(new RegExp(` ${DUCK}$`))]);
  });
});
