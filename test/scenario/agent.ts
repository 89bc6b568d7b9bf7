/**
 * The whole agent under virtual time: the real loop, netifd source, update engine and protocol between a
 * played netifd and a scripted provider. What a script does not foresee, or foresees in vain, fails the test.
 */
import { expect, onTestFinished } from 'vitest';
import type { Config } from '../../agent/config/config.ts';
import { loadConfig } from '../../agent/config/load.ts';
import { channelPlansOf, channelsOf } from '../../agent/config/notify.ts';
import { planOf } from '../../agent/config/plan.ts';
import type { Family } from '../../agent/core/address.ts';
import type { AliasFound } from '../../agent/core/alias.ts';
import { NO_RETRY } from '../../agent/core/backoff.ts';
import type { Report } from '../../agent/core/draft.ts';
import type { Failure } from '../../agent/core/failure.ts';
import type { Verification } from '../../agent/core/health.ts';
import type { Message } from '../../agent/core/message.ts';
import type { Plan } from '../../agent/core/plan.ts';
import { type AgentState, freshHost, rebase, type SavedState, savedState } from '../../agent/core/state.ts';
import { judge } from '../../agent/core/verdicts.ts';
import type { Verifier } from '../../agent/engine/checks/parts.ts';
import type { ActionOf } from '../../agent/engine/commands.ts';
import { type Loop, startLoop } from '../../agent/engine/loop.ts';
import { runUpdate } from '../../agent/engine/update.ts';
import { netifdSource } from '../../agent/openwrt/netifd.ts';
import type { HttpRequest, HttpResult } from '../../agent/ports.ts';
import { createRedactor } from '../../agent/providers/redact.ts';
import { PROTOCOLS } from '../../agent/providers/registry.ts';
import { userAgentOf } from '../../agent/providers/user-agent.ts';
import { createSources } from '../../agent/sources/all.ts';
import * as asking from '../../agent/sources/asking.ts';
import { CATALOGUE } from '../fakes/catalogue.ts';
import {
  type InterfaceStatus,
  type NetifdFeed,
  type NetifdFixture,
  netifdFeed,
  netifdFixture,
} from '../fakes/netifd-feed.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';
import { type VirtualClock, virtualClock } from '../fakes/virtual-clock.ts';

/** The router has been up for a minute when the agent starts. */
const BOOT_MS = 60_000;
/** How long a web service takes to say which address it sees. */
const ECHO_MS = 50;
/** More than any scenario needs, and soon reached by an agent that runs wild. */
const MAX_REQUESTS = 500;

export interface SentRequest {
  /** Since the scenario began. */
  atMs: number;
  url: string;
  /** Name of the account at the provider, as it stands in the Basic header. */
  user: string;
  hostnames: string[];
  /** `myip`, in the order sent. */
  addresses: string[];
  userAgent: string;
  via: HttpRequest['via'];
}

export interface EchoRequest {
  /** Since the scenario began. */
  atMs: number;
  url: string;
  via: HttpRequest['via'];
}

export type Reply = (request: SentRequest) => HttpResult | 'hang';

/** A message that went to a channel, delivered or not. */
export interface ToldMessage {
  /** Since the scenario began. */
  atMs: number;
  /** `web`, `script` or `ubus`. */
  channel: string;
  message: Message;
}

export interface ScenarioParts {
  /** UCI text; a mistake in it fails the test unless `problems` foresees its codes. */
  config: string;
  problems?: string[];
  /** What netifd shows at first: a recording by name, or one made by the test. */
  fixture?: string | NetifdFixture;
  /** One reply for each request in order, each used exactly once; or a single function for all of them. */
  replies: Reply[] | Reply;
  /** Addresses already confirmed before the start, by host id. */
  published?: Record<string, Partial<Record<Family, string>>>;
  /** How long a reply takes. */
  latencyMs?: number;
  /** Jitter, always the same; 0.5 is the middle. */
  random?: number;
  /** What web services say about the address that they see; without it asking one fails the test. */
  echo?: (request: EchoRequest) => HttpResult;
  /** Why a message is not delivered to a channel; without it all are. */
  notify?: (told: ToldMessage) => Failure | undefined;
  /** What becomes of an alias at its provider and in the DNS; without it asking for one fails the test. */
  alias?: (command: ActionOf<'alias'>) => AliasFound;
  /** Without it a check of the DNS fails the test. */
  verify?: (command: ActionOf<'verify'>) => Verification;
  /** In place of `verify`: whatever makes a check out of answers, on the clock of the scenario. */
  verifier?: (clock: VirtualClock) => Verifier;
}

export interface ScenarioAgent {
  readonly clock: VirtualClock;
  readonly feed: NetifdFeed;
  readonly requests: SentRequest[];
  readonly told: ToldMessage[];
  /** Reports with the time since the scenario began. */
  readonly events: (Report & { atMs: number })[];
  /** How many steps were taken: a measure of how busy the agent was. */
  steps(): number;
  state(): AgentState;
  advance(durationMs: number): Promise<void>;
  /** `code` of each report so far. */
  codes(): string[];
  /** New configuration into the running agent. */
  reload(config: string): Promise<void>;
  /** The process ends and starts again on the same boot, with or without another configuration. */
  restart(config?: string): Promise<void>;
  /** The router is off for a while and boots again. */
  reboot(): Promise<void>;
  /** `holdfast update`, of these hosts or of all; with `check`, `holdfast check`. */
  request(hosts?: string[], check?: true): Promise<void>;
  /** NTP has set the clock. */
  clockSet(): Promise<void>;
  /** More replies for the end of the list. */
  script(...replies: Reply[]): void;
}

export async function scenario(parts: ScenarioParts): Promise<ScenarioAgent> {
  const clock = virtualClock(BOOT_MS);
  const verifier = parts.verifier?.(clock);
  const { fixture = '03-dhcp-renew-same' } = parts;
  const feed = netifdFeed(clock, typeof fixture === 'string' ? netifdFixture(fixture) : fixture);
  const script = Array.isArray(parts.replies) ? [...parts.replies] : [];
  const faults: string[] = [];
  const requests: SentRequest[] = [];
  const told: ToldMessage[] = [];
  const events: ScenarioAgent['events'] = [];
  let steps = 0;
  let config = read(parts.config);
  let loop = start(savedFrom(planOf(config, 'salt'), parts.published ?? {}, clock));

  onTestFinished(() => {
    loop.stop();
    expect(faults, 'what no script foresaw').toEqual([]);
    expect(script, 'replies that were never asked for').toHaveLength(0);
  });

  function read(text: string): Config {
    const loaded = loadConfig(text, 'holdfast', CATALOGUE, () => undefined);
    expect(loaded.problems.map(({ code }) => code)).toEqual(parts.problems ?? []);
    return loaded.config;
  }

  function start(saved: SavedState | undefined): Loop {
    const network = netifdSource({ processes: feed, clock, log: () => {} });
    const started = startLoop(
      {
        clock,
        random: () => parts.random ?? 0.5,
        source: createSources({
          loadAsking: async () => asking,
          host: {
            ...clock,
            ...{ run: feed.run, lines: feed.lines, random: () => parts.random ?? 0.5, limits: [] },
            http: { request: answerEcho, idle() {} },
            dns: { ask: () => Promise.reject(new Error('this scenario has no DNS')) },
            datagrams: {
              exchange: () => Promise.reject(new Error('this scenario has no datagrams')),
              randomOctets: (count) => new Uint8Array(count),
            },
          },
          log: () => {},
          network,
          userAgent: () => 'Holdfast',
        }),
        update: (command, state) =>
          runUpdate(
            {
              ...protocolPorts({ http: { request: answer, idle() {} }, processes: feed }),
              protocols: PROTOCOLS,
              account(id) {
                const account = config.accounts.get(id);
                const { username = '', password = '' } = account ?? {};
                return account && { ...account, credential: { username, password } };
              },
              userAgent: () => userAgentOf("DISTRIB_RELEASE='24.10.0'\n", '0.1.0', config.agent.contact),
              redact: createRedactor(
                () => config.accounts.values(),
                (_, password) => [password],
              ),
              onExchange() {},
            },
            command,
            state,
          ),
        async verify(command) {
          if (verifier) {
            return verifier(command);
          }
          if (!parts.verify) {
            faults.push(`check of ${command.hostname}`);
          }
          const found = parts.verify?.(command) ?? { authority: [], publicView: [], delegation: [] };
          return judge(found, command);
        },
        async alias(command) {
          if (!parts.alias) {
            throw new Error(`alias ${command.hostname}`);
          }
          return parts.alias(command);
        },
        async notify({ channel: id, message }) {
          const [channel = ''] = id.split(' ');
          const one = { atMs: sinceStart(), channel, message };
          told.push(one);
          return parts.notify?.(one);
        },
        onDefect(cause) {
          faults.push(`defect: ${cause}`);
        },
        onStep(_, reports) {
          steps += 1;
          events.push(...reports.map((report) => ({ ...report, atMs: sinceStart() })));
        },
      },
      // What is saved goes through a file.
      saved && JSON.parse(JSON.stringify(saved)),
    );
    started.dispatch({ type: 'planned', plan: planNow() });
    return started;
  }

  function planNow(): Plan {
    return { ...planOf(config, 'salt'), channels: channelPlansOf(channelsOf(config.agent, 'salt')) };
  }

  function sinceStart(): number {
    return clock.monotonicMs() - BOOT_MS;
  }

  async function answer(request: HttpRequest): Promise<HttpResult> {
    const sent = sentOf(request, sinceStart());
    requests.push(sent);
    if (leaks(request)) {
      faults.push(`password outside of the authorization of ${request.url}`);
    }
    const reply = Array.isArray(parts.replies) ? script.shift() : parts.replies;
    if (!reply || requests.length > MAX_REQUESTS) {
      faults.push(`request for ${sent.hostnames} = ${sent.addresses} at ${sent.atMs} ms`);
    }
    const result = reply && requests.length <= MAX_REQUESTS ? reply(sent) : 'hang';
    if (parts.latencyMs !== 0) {
      await new Promise<void>((resolve) => clock.after(parts.latencyMs ?? 20, resolve));
    }
    return result === 'hang' ? new Promise(() => {}) : result;
  }

  async function answerEcho({ url, via }: HttpRequest): Promise<HttpResult> {
    await new Promise<void>((resolve) => clock.after(ECHO_MS, resolve));
    const result = parts.echo?.({ atMs: sinceStart(), url, via });
    if (!result) {
      faults.push(`question to ${url}`);
    }
    return result ?? unreachable();
  }

  async function begin(saved: SavedState | undefined, text: string | undefined): Promise<void> {
    config = text === undefined ? config : read(text);
    loop.stop();
    loop = start(saved);
    await clock.settle();
  }

  await clock.settle();
  return {
    clock,
    feed,
    requests,
    told,
    events,
    steps: () => steps,
    state: () => loop.state(),
    advance: clock.advance,
    codes: () => events.map(({ code }) => code),
    async reload(text) {
      config = read(text);
      loop.dispatch({ type: 'planned', plan: planNow() });
      await clock.settle();
    },
    restart: (text) => begin(savedState(loop.state()), text),
    reboot: () =>
      begin(rebase(savedState(loop.state()), clock.monotonicMs(), clock.monotonicMs()), undefined),
    async request(hosts, check) {
      loop.dispatch({ type: 'requested', ...(hosts && { hosts }), ...(check && { check }) });
      await clock.settle();
    },
    async clockSet() {
      loop.dispatch({ type: 'clock-set' });
      await clock.settle();
    },
    script(...replies) {
      script.push(...replies);
    },
  };
}

function sentOf(request: HttpRequest, atMs: number): SentRequest {
  const { searchParams } = new URL(request.url);
  const listOf = (name: string) => searchParams.get(name)?.split(',') ?? [];
  return {
    atMs,
    url: request.url,
    user: request.authorization?.scheme === 'basic' ? request.authorization.username : '',
    hostnames: listOf('hostname'),
    addresses: listOf('myip'),
    userAgent: request.headers['user-agent'] ?? '',
    via: request.via,
  };
}

/** Passwords of the scenarios all hold this word. */
function leaks({ authorization: _, ...rest }: HttpRequest): boolean {
  return JSON.stringify(rest).includes('secret');
}

function savedFrom(
  plan: Plan,
  published: NonNullable<ScenarioParts['published']>,
  clock: VirtualClock,
): SavedState {
  const wallMs = clock.nowMs() - 3_600_000;
  const atMs = clock.monotonicMs() - 3_600_000;
  const hosts = Object.values(plan.hosts).flatMap((host) => {
    const addresses = Object.entries(published[host.id] ?? {});
    const confirmed = addresses.map(([family, address]) => [family, { address, wallMs, atMs }]);
    return addresses.length === 0
      ? []
      : [[host.id, { ...freshHost(host), confirmed: Object.fromEntries(confirmed) }]];
  });
  const accounts = Object.values(plan.accounts).map(({ id, revision }) => [id, { revision, wait: NO_RETRY }]);
  return {
    accounts: Object.fromEntries(accounts),
    lanes: {},
    hosts: Object.fromEntries(hosts),
    baselines: {},
  };
}

/** A reply of the provider with this text. */
export function says(body: string, status = 200, headers: Record<string, string> = {}): HttpResult {
  return { kind: 'reply', reply: { status, headers, body, truncated: false } };
}

/** `good` with the address sent, one line for each hostname. */
export function good({ hostnames, addresses }: SentRequest): HttpResult {
  return says(hostnames.map(() => `good ${addresses.join(',')}\n`).join(''));
}

/** The request never reached the provider. */
export function unreachable(): HttpResult {
  const sentence = 'No connection to the provider. Holdfast tries again.';
  return {
    kind: 'failed',
    failure: { kind: 'unreachable', scope: 'attempt', code: 'net/UNREACHABLE', sentence },
  };
}

export function hang(): 'hang' {
  return 'hang';
}

/** `HOSTNAME ADDRESS,ADDRESS` for each hostname of each request, with its time. */
export function updatesOf(requests: readonly SentRequest[]): [number, string][] {
  return requests.flatMap(({ atMs, hostnames, addresses }) =>
    hostnames.map((hostname): [number, string] => [atMs, `${hostname} ${addresses.join(',')}`]),
  );
}

/** A line whose WAN has this address, and that nothing happens to by itself. */
export function lineAt(address: string): NetifdFixture {
  return { name: 'made', description: '', dumpBefore: { interface: [wanAt(address)] }, steps: [] };
}

/** netifd tells that the WAN has this address now. */
export function moveTo({ feed }: ScenarioAgent, address: string): void {
  feed.notify(wanAt(address));
}

/** What netifd says of such a line. */
export function wanAt(address: string): InterfaceStatus {
  return {
    interface: 'wan',
    up: true,
    l3_device: 'eth1',
    'ipv4-address': [{ address, mask: 24 }],
    route: [{ target: '0.0.0.0', mask: 0 }],
  };
}
