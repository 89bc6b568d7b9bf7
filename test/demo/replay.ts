/** Plays three days of 2014 with the built agent, as fast as it can work, and keeps what it said and did. */
import type { StatusDocument, StatusEvent } from '../../agent/engine/status.ts';
import { openLab, type Router } from '../faults/lab.ts';
import type { Service } from '../service/service.ts';
import { ownZone, standbyZone } from '../service/world.ts';
import { agentSection, hostSection, section } from '../system/agent-process.ts';
import { BEGINS_MS, ENDS_MS, HISTORY, type Moment, ZONES } from './history.ts';

/** The name that people know; it leads to the first of the two below that works. */
export const ALIAS = `home.${ownZone}`;
export const HOME = `home.${ZONES[0]}`;
export const STANDBY = `home.${standbyZone}`;
const HOME_ID = 'home';
const STANDBY_ID = 'home_standby';
/** One hostname in each zone: at home, and at three friends' who share the router's account. */
const NAMES = [HOME, ...ZONES.slice(1).map((zone) => `house.${zone}`)];

export interface ReplayIncident {
  code: string;
  subject: string;
  sentence: string;
  openedAt: string;
  closedAt?: string;
}

export interface Replay {
  incidents: ReplayIncident[];
  /** All events of the agent, oldest first. */
  events: StatusEvent[];
  /** Update requests, by account. */
  requests: Record<string, number>;
  /** Replies of the update interfaces other than `good`. */
  refused: string[];
  /** Moments (RFC 3339) at which the standby name was not proven, beyond five minutes after its own updates. */
  standbyUnproven: string[];
  /** Where the alias led, in order. */
  aliasTargets: { at: string; target: string }[];
  /** Everything is as it was before. */
  healed: boolean;
}

export interface Watcher {
  /** What the world is told at a moment, and what the agent knows then. */
  told(atMs: number, text: string, known: StatusDocument): void;
  replied(atMs: number, text: string): void;
  event(event: StatusEvent): void;
}

export interface ReplayOptions {
  /** Built `holdfast.cjs` or `holdfast.mjs`. */
  bundle: string;
  folder?: string;
  /** Virtual milliseconds in a real one at most; default: as fast as can be. */
  rate?: number;
  /** Whether the agent looks at the DNS and has an alias to move; default: it does. */
  checks?: boolean;
  /** When it is over; default: all three days. */
  endsMs?: number;
  watcher?: Partial<Watcher>;
  /** Hears how everything started can be ended, at any time and more than once. */
  onClose?: (close: () => Promise<void>) => void;
}

/** Real milliseconds between two looks at the agent's status. */
const LOOK_EVERY_MS = 20;
/** An hour and a tenth, and a minute for the asking. */
const CHECK_INTERVAL_MS = 67 * 60_000;
/** After an update its servers may be late for so long. */
const SPREADING_MS = 300_000;

export async function playReplay(
  moments: readonly Moment[],
  { bundle, folder, rate, checks = true, endsMs = ENDS_MS, watcher = {}, onClose = () => {} }: ReplayOptions,
): Promise<Replay> {
  const accounts = [
    { username: 'family', password: 'family-password', hosts: NAMES },
    { username: 'standby', password: 'standby-password', hosts: [STANDBY] },
  ];
  const lab = await openLab(bundle, {
    ...{ beginsMs: BEGINS_MS, ...(folder !== undefined && { folder }) },
    service: { accounts, zones: ZONES },
  });
  onClose(lab.close);
  try {
    return await play();
  } finally {
    await lab.close();
  }

  async function play(): Promise<Replay> {
    const router = await lab.fresh();
    const { service } = lab;
    const notes = keepNotes(service, watcher);
    router.configure(configText(service, checks));
    await router.boot({ ...(rate !== undefined && { rate }) });
    const look = () => notes.look(statusOf(router));
    const timer = setInterval(look, LOOK_EVERY_MS);
    try {
      for (const moment of moments) {
        await router.advance(moment.atMs - lab.time.nowMs());
        look();
        if (moment.told !== undefined) watcher.told?.(moment.atMs, moment.told, router.status());
        moment.act?.(service.levers);
        if (moment.movesTo !== undefined) await router.moveTo(moment.movesTo);
      }
      await router.advance(endsMs - lab.time.nowMs());
      look();
      return notes.result(router.status());
    } finally {
      clearInterval(timer);
    }
  }
}

function statusOf(router: Router): StatusDocument | undefined {
  try {
    return router.status();
  } catch {
    return undefined;
  }
}

function keepNotes(service: Service, watcher: Partial<Watcher>) {
  const events: StatusEvent[] = [];
  const incidents = new Map<string, ReplayIncident>();
  const standbyUnproven: string[] = [];
  const aliasTargets: Replay['aliasTargets'] = [];
  const requests: Record<string, number> = {};
  const refused: string[] = [];
  /** As JSON. What happens to further hostnames in the same moment makes another one of the last. */
  let seen = new Set<string>();

  service.onRequest(({ atMs, username = '', replyBody, hosts }) => {
    requests[username] = (requests[username] ?? 0) + 1;
    const lines = replyBody.trim().split('\r\n');
    refused.push(...lines.filter((line) => !line.startsWith('good ')));
    watcher.replied?.(atMs, `${hosts.join(', ')}: ${[...new Set(lines)].join(', ')}`);
  });

  function look(status: StatusDocument | undefined): void {
    if (!status) {
      return;
    }
    const before = seen;
    const fresh = status.events.filter((event) => !before.has(JSON.stringify(event)));
    seen = new Set(status.events.map((event) => JSON.stringify(event)));
    for (const event of fresh) {
      events.push(event);
      watcher.event?.(event);
    }
    for (const incident of status.incidents) {
      incidents.set(incident.id, incident);
    }
    noteStandby(status);
    noteAlias(status);
  }

  function noteStandby({ hostnames, writtenAt }: StatusDocument): void {
    const host = hostnames.find(({ id }) => id === STANDBY_ID);
    const confirmedMs = Date.parse(host?.confirmed.ipv4?.since ?? '');
    const settled = Date.parse(writtenAt) - confirmedMs > SPREADING_MS;
    if (settled && host?.axes.authority.verdict !== 'ok') {
      standbyUnproven.push(writtenAt);
    }
  }

  function noteAlias({ writtenAt }: StatusDocument): void {
    const [target] = service.values(ALIAS, 'CNAME');
    if (target !== undefined && target !== aliasTargets.at(-1)?.target) {
      aliasTargets.push({ at: writtenAt, target });
    }
  }

  function result(last: StatusDocument): Replay {
    const healed =
      last.hostnames.every(({ axes }) => Object.values(axes).every(({ verdict }) => verdict === 'ok')) &&
      last.incidents.every(({ closedAt }) => closedAt !== undefined);
    return {
      ...{ incidents: [...incidents.values()], events, requests, refused },
      ...{ standbyUnproven, aliasTargets, healed },
    };
  }

  return { look, result };
}

function configText(service: Service, checks: boolean): string {
  const { port, resolvers, localResolver, control, dohUrls } = service.dns;
  const at = (addresses: readonly string[]) => addresses.map((address) => `${address}#${port}`);
  const login = (username: string) => ({
    username,
    password: `${username}-password`,
    ca_file: service.caFile,
  });
  return [
    agentSection(service, {
      ...{ log_level: 'info', resync: '86400', verify: checks ? '1' : '0', resolver: at([localResolver]) },
      ...{ public_resolver: at(resolvers), control_server: at(control), doh_url: [...dohUrls] },
    }),
    section('account', 'family', { provider: 'no-ip.com', ...login('family') }),
    section('account', 'standby', {
      ...{ provider: 'dyndns2', server: new URL(service.standbyApi.url).origin, ...login('standby') },
    }),
    section('account', 'zone', {
      ...{ provider: 'pdns', server: service.zoneApi.url, password: service.zoneApi.key },
      ca_file: service.caFile,
    }),
    ...NAMES.map((name, position) =>
      position === 0
        ? hostSection(HOME_ID, name, 'family', { network: ['wan'], standby: [STANDBY_ID] })
        : hostSection(`house${position}`, name, 'family', { network: ['wan'] }),
    ),
    section('hostname', STANDBY_ID, { hostname: STANDBY, account: 'standby' }),
    ...(checks
      ? [section('alias', 'door', { hostname: ALIAS, account: 'zone', target: [HOME_ID, STANDBY_ID] })]
      : []),
  ].join('');
}

export interface Finding {
  what: string;
  holds: boolean;
}

/** What the days of the incident have to show, beside the same days without it, and without a look at the DNS. */
export function judgeReplay(replay: Replay, calm: Pick<Replay, 'requests'>): Finding[] {
  const handoverMs = HISTORY[0]?.atMs ?? 0;
  const ofZone = (zone: string) => replay.incidents.filter(({ subject }) => subject === zone);
  const codes = replay.events.map(({ code }) => code);
  const moves = replay.aliasTargets.map(({ target }) => target);
  return [
    {
      what: 'each zone has its alarm within one check interval of the hand-over',
      holds: ZONES.every((zone) =>
        ofZone(zone).every(({ openedAt }) => {
          const lateMs = Date.parse(openedAt) - handoverMs;
          return lateMs >= 0 && lateMs <= CHECK_INTERVAL_MS;
        }),
      ),
    },
    {
      what: 'one incident and one all-clear for each zone, and no other incident',
      holds:
        ZONES.every((zone) => ofZone(zone).length === 1 && ofZone(zone)[0]?.closedAt !== undefined) &&
        replay.incidents.length === ZONES.length &&
        codes.filter((code) => code === 'incident/OPENED').length === ZONES.length &&
        codes.filter((code) => code === 'incident/CLOSED').length === ZONES.length,
    },
    {
      what: 'not one update more than in the same days without the incident',
      holds: countsOf(replay) === countsOf(calm) && replay.refused.length === 0,
    },
    { what: 'the standby name is proven the whole time', holds: replay.standbyUnproven.length === 0 },
    {
      what: 'the alias moves to the standby name once, and back once',
      holds: moves.join() === [HOME, STANDBY, HOME].join(),
    },
    {
      what: 'the attack on the web site is told as such, and as no outage of a name',
      holds:
        codes.filter((code) => code === 'provider/WEB_DOWN').length === 1 &&
        codes.filter((code) => code === 'provider/WEB_UP').length === 1 &&
        !replay.incidents.some(({ code }) => code.startsWith('provider/')),
    },
    { what: 'in the end all is as it was', holds: replay.healed },
  ];
}

/** Comparable, whichever account was first. */
function countsOf({ requests }: Pick<Replay, 'requests'>): string {
  return JSON.stringify(Object.entries(requests).sort(([one], [other]) => (one < other ? -1 : 1)));
}
