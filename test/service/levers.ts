/** Everything that can go wrong in the test world, each by one call, all undone by `reset`. */
import type { Accounts } from './accounts.ts';
import type { CertificateKind, Certificates } from './certificates.ts';
import type { FilterMode } from './filter.ts';
import type { CutOffMode, Front } from './front.ts';
import type { GarbleMode } from './garble.ts';
import type { Recorder, ScriptedReply } from './recorder.ts';
import type { Temper } from './temper.ts';
import type { SeizeMode, SeizeOptions, ServerFault, ServerRef, World } from './world.ts';
import type { RecordKind } from './zone.ts';

/** What the levers change about the replies of the API. */
export interface Gate {
  /** Real milliseconds before each reply. */
  slowMs: number;
  overload: boolean;
  captivePortal: boolean;
  garbled?: GarbleMode;
  /** What each echo service says that it sees; where there is nothing, the truth. */
  echoes: Map<number, string>;
  always?: ScriptedReply;
}

export interface Levers {
  /** The parent delegates the zone to the seized servers, which answer for it as `mode` says. */
  seize(zone: string, mode: SeizeMode, options?: SeizeOptions): void;
  /** The parent delegates the zone to its own servers again; the others keep their ways until `reset`. */
  handBack(zone: string): void;
  /** The web site accepts connections and says nothing. */
  drownWeb(on?: boolean): void;
  /** The same of the update API. */
  drownApi(on?: boolean): void;
  /** The same of DNS over HTTPS. */
  drownDoh(on?: boolean): void;
  /** Any name of the zone that does not exist gets this address. */
  wildcard(zone: string, address: string | undefined): void;
  /** A cache on the way answers every question in the server's place; DNS over HTTPS stays right. */
  interceptPort53(on?: boolean): void;
  /** No question of a client reaches any DNS server; DNS over HTTPS goes on. */
  blockPort53(on?: boolean): void;
  /** The resolver of the user's own network keeps everything at and below this name from its users. */
  localFilter(suffix: string, mode: FilterMode | 'off'): void;
  /** The name servers of the root are silent: DNS does not work on this line. */
  rootUnreachable(on?: boolean): void;
  /** Any fault of a name server, by its name. */
  serverFault(server: ServerRef, fault: ServerFault, on?: boolean): void;
  /** The server serves no change any more. */
  stale(server: ServerRef, on?: boolean): void;
  /** The server knows no zone: REFUSED, or (`referral`) the NS set of the zone above. */
  lame(server: ServerRef, on?: boolean, how?: 'refused' | 'referral'): void;
  servfail(server: ServerRef, on?: boolean): void;
  deadServer(server: ServerRef, on?: boolean): void;
  /** Every answer over UDP is cut, so that clients must use TCP. */
  truncate(server: ServerRef, on?: boolean): void;
  /** Out of DNS and out of the account (`nohost`), as a user deletes a host. */
  deleteHost(host: string): void;
  /** The same after 30 days without confirmation. */
  expireHost(host: string): void;
  /** Back in the account, and in DNS with its last addresses. */
  restoreHost(host: string): void;
  slow(delayMs: number): void;
  cutOff(mode: CutOffMode | 'off'): Promise<void>;
  overload(on?: boolean): void;
  captivePortal(on?: boolean): void;
  requireContact(on?: boolean): void;
  /** Replies for the next requests, in order of the calls; the requests are not carried out. */
  replyOnce(reply: ScriptedReply): void;
  /** The reply for every request until undefined is given. */
  replyAlways(reply: ScriptedReply | undefined): void;
  /** Milliseconds, in the time of the world, that the provider's servers (or one) lag behind. */
  propagationDelay(delayMs: number, server?: ServerRef): void;
  /** The request is carried out, but what comes back is not what HTTP is. */
  garble(mode: GarbleMode | 'off'): void;
  /** What the echo services (or one) say that they see, an address or not; undefined: the truth. */
  echo(text: string | undefined, position?: number): void;
  /** The NS set that the parent gives for the zone; undefined: its own servers. */
  delegate(zone: string, nameServers: readonly string[] | undefined): void;
  /** The certificate of the API, the web site and DNS over HTTPS. */
  certificate(kind: CertificateKind): void;
  /** Changes DNS behind the API's back; undefined removes the record set. `reset` brings the old one back. */
  setRecord(name: string, kind: RecordKind, value: string | readonly string[] | undefined): void;
  flushResolver(position?: number): void;
  /** Lifts `abuse` for one login or all. */
  unblock(username?: string): void;
  /** Which levers are pulled, with their settings. */
  pulled(): Record<string, unknown>;
  /** Undoes all levers, lifts blocks, forgets scripted replies and what the resolvers cached. */
  reset(): Promise<void>;
}

export interface LeverParts {
  world: World;
  accounts: Accounts;
  temper: Temper;
  recorder: Recorder;
  gate: Gate;
  api: Front;
  web: Front;
  /** DNS over HTTPS, one for each public resolver. */
  doh: readonly Front[];
  certificates: Certificates;
}

export function createLevers(parts: LeverParts): Levers {
  const { world, accounts, temper, recorder, gate, api, web, doh, certificates } = parts;
  const pulled = new Map<string, { setting: unknown; undo: () => void | Promise<void> }>();

  /** Notes a lever as pulled; the first undo stays, as it leads back to where all began. */
  function pull(key: string, setting: unknown, undo: () => void | Promise<void>): void {
    pulled.set(key, { setting, undo: pulled.get(key)?.undo ?? undo });
  }

  function release(key: string): void | Promise<void> {
    const lever = pulled.get(key);
    pulled.delete(key);
    return lever?.undo();
  }

  /** A lever with a resting position. */
  function set<T, R extends void | Promise<void>>(
    key: string,
    setting: T,
    rest: T,
    apply: (setting: T) => R,
  ): R {
    const applied = apply(setting);
    if (setting === rest) pulled.delete(key);
    else pull(key, setting, () => apply(rest));
    return applied;
  }

  function fault(kind: ServerFault, server: ServerRef, on: boolean): void {
    set(`${kind} ${server}`, on, false, (setting) => world.setFault(server, kind, setting));
  }

  function takeHost(host: string, reason: 'deleted' | 'expired'): void {
    accounts.setGone(host, reason);
    const before = (['A', 'AAAA'] as const).map((kind) => ({ kind, values: world.values(host, kind) }));
    for (const { kind } of before) world.setValues(host, kind, []);
    pull(`gone ${host}`, reason, () => {
      accounts.setGone(host, undefined);
      for (const { kind, values } of before) world.setValues(host, kind, values);
    });
  }

  return {
    seize(zone, mode, options) {
      world.seize(zone, mode, options);
      pull(`seize ${zone}`, mode, () => world.release(zone));
    },
    handBack(zone) {
      world.handBack(zone);
      const lever = pulled.get(`seize ${zone}`);
      if (lever) lever.setting = 'handed back';
    },
    drownWeb(on = true) {
      set('drownWeb', on, false, (setting) => void web.setCutOff(setting ? 'hang' : 'off'));
    },
    drownApi(on = true) {
      set('drownApi', on, false, (setting) => void api.setCutOff(setting ? 'hang' : 'off'));
    },
    drownDoh(on = true) {
      set('drownDoh', on, false, (setting) => {
        for (const front of doh) void front.setCutOff(setting ? 'hang' : 'off');
      });
    },
    wildcard(zone, address) {
      set<string | undefined, void>(`wildcard ${zone}`, address, undefined, (setting) => {
        for (const kind of ['A', 'AAAA'] as const) {
          const ours = setting !== undefined && setting.includes(':') === (kind === 'AAAA');
          world.setValues(`*.${zone}`, kind, ours ? [setting] : []);
        }
      });
    },
    interceptPort53(on = true) {
      set('interceptPort53', on, false, (setting) => world.setPort53(setting ? 'intercepted' : 'open'));
    },
    blockPort53(on = true) {
      set('blockPort53', on, false, (setting) => world.setPort53(setting ? 'blocked' : 'open'));
    },
    localFilter(suffix, mode) {
      set<FilterMode | 'off', void>(`localFilter ${suffix}`, mode, 'off', (setting) =>
        world.localFilter.set(suffix.toLowerCase(), setting === 'off' ? undefined : setting),
      );
    },
    rootUnreachable(on = true) {
      set('rootUnreachable', on, false, (setting) => {
        for (const { name, role } of world.servers)
          if (role === 'root') world.setFault(name, 'dead', setting);
      });
    },
    serverFault: (server, kind, on = true) => fault(kind, server, on),
    stale: (server, on = true) => fault('stale', server, on),
    lame: (server, on = true, how = 'refused') => fault(how === 'refused' ? 'lame' : 'referral', server, on),
    servfail: (server, on = true) => fault('servfail', server, on),
    deadServer: (server, on = true) => fault('dead', server, on),
    truncate: (server, on = true) => fault('truncate', server, on),
    deleteHost: (host) => takeHost(host, 'deleted'),
    expireHost: (host) => takeHost(host, 'expired'),
    restoreHost: (host) => void release(`gone ${host}`),
    slow(delayMs) {
      set('slow', delayMs, 0, (setting) => {
        gate.slowMs = setting;
      });
    },
    cutOff: (mode) => set('cutOff', mode, 'off', api.setCutOff),
    overload(on = true) {
      set('overload', on, false, (setting) => {
        gate.overload = setting;
      });
    },
    captivePortal(on = true) {
      set('captivePortal', on, false, (setting) => {
        gate.captivePortal = setting;
      });
    },
    requireContact(on = true) {
      set('requireContact', on, false, (setting) => {
        temper.requireContact = setting;
      });
    },
    replyOnce: (reply) => recorder.script(reply),
    replyAlways(reply) {
      set('replyAlways', reply, undefined, (setting) => {
        gate.always = setting;
      });
    },
    propagationDelay(delayMs, server) {
      const key = `propagationDelay ${server ?? 'all'}`;
      set(key, delayMs, 0, (setting) => world.setPropagationDelay(setting, server));
    },
    garble(mode) {
      set<GarbleMode | 'off', void>('garble', mode, 'off', (setting) => {
        gate.garbled = setting === 'off' ? undefined : setting;
      });
    },
    echo(text, position) {
      const services = position === undefined ? [...doh.keys()] : [position];
      set<string | undefined, void>(`echo ${position ?? 'all'}`, text, undefined, (setting) => {
        for (const service of services) {
          if (setting === undefined) gate.echoes.delete(service);
          else gate.echoes.set(service, setting);
        }
      });
    },
    delegate(zone, nameServers) {
      set<readonly string[] | undefined, void>(`delegate ${zone}`, nameServers, undefined, (setting) => {
        if (setting === undefined) world.handBack(zone);
        else world.delegate(zone, setting);
      });
    },
    certificate(kind) {
      set<CertificateKind, void>('certificate', kind, 'good', (setting) => {
        for (const front of [api, web, ...doh]) front.setCertificate(certificates.leaves[setting]);
      });
    },
    setRecord(name, kind, value) {
      const owner = name.toLowerCase();
      const values = value === undefined ? [] : typeof value === 'string' ? [value] : value;
      const before = world.values(owner, kind);
      world.setValues(owner, kind, values);
      pull(`record ${owner} ${kind}`, values, () => world.setValues(owner, kind, before));
    },
    flushResolver: (position) => world.flushResolver(position),
    unblock: (username) => temper.unblock(username),
    pulled: () => Object.fromEntries([...pulled].map(([key, { setting }]) => [key, setting])),
    async reset() {
      for (const key of [...pulled.keys()].reverse()) await release(key);
      temper.unblock();
      recorder.clearScript();
      world.flushResolver();
    },
  };
}
