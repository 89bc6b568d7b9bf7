/** What one row of the fault table is, and how it is played. */
import type { StatusAxis, StatusDocument } from '../../agent/engine/status.ts';
import type { Service } from '../service/service.ts';
import { agentSection, hostSection, section } from '../system/agent-process.ts';
import { FIRST_ADDRESS, type Lab, type Router, SECOND_ADDRESS, wanAt } from './lab.ts';

/** The four questions, and what is wrong with the configuration. */
export type AxisName = 'update' | 'delegation' | 'authority' | 'publicView' | 'configuration';

/** What Holdfast says on one axis. */
export interface Said {
  axis: AxisName;
  verdict: StatusAxis['verdict'];
  /** `subsystem/CODE`. */
  code: string;
}

/**
 * How it ends when the cause is gone.
 *
 * itself       all is published and proven again without anybody's help
 * unharmed     all was published and proven the whole time
 * asked        it stays stopped until the operator asks (`holdfast update`), then all is well
 * corrected    it stays stopped until the configuration is corrected, then all is well
 */
export const ENDS = {
  itself: 'heals by itself',
  unharmed: 'nothing to heal',
  asked: 'waits to be asked, then heals',
  corrected: 'waits for a correction, then heals',
} as const;
export type End = keyof typeof ENDS;

export interface Expected extends Said {
  /** Update requests that reach the provider while the fault lasts. */
  requests: number;
  end: End;
  /** Of the incident that is open at the end of the fault; none: there is none. */
  incident?: string;
  /** An event that is reported while the fault lasts, where the axes do not tell all. */
  event?: string;
}

export interface Stage extends Pick<Lab, 'service' | 'time'> {
  router: Router;
  /** The configuration in force; written and read again by `reconfigure`. */
  config: string;
  corrected?: true;
  reconfigure(config: string): Promise<void>;
}

export interface Fault {
  /** What goes wrong, in words. */
  fault: string;
  /** By what: a lever, a file, a signal. */
  made: string;
  /** Options of the sections. */
  options?: SectionOptions | ((service: Service) => SectionOptions);
  /** Before the agent starts for the first time; then nothing is published when the fault begins. */
  before?: (stage: Stage) => void | Promise<void>;
  /** What the router takes for the time at boot. */
  bootWallMs?: number;
  /** Lets it happen; afterwards the WAN gets another address (`unseen`: and nobody sees it) unless `move` is false. */
  begin?: (stage: Stage) => void | Promise<void>;
  /** Default: true where the update channel is what suffers. */
  move?: boolean | 'unseen';
  /** How long the fault lasts; default 20 minutes. */
  lastsMs?: number;
  /** Ends the cause; default: all levers back and caches flushed. */
  lift?: (stage: Stage) => void | Promise<void>;
  /** How long healing may take; default 2 hours. */
  healsMs?: number;
  expected: Expected;
}

export interface SectionOptions {
  agent?: Record<string, string | string[]>;
  account?: Record<string, string>;
  host?: Record<string, string | string[]>;
  /** A second hostname of the same account. */
  host2?: true;
}

export interface Result extends Expected {
  /** The words for the user. */
  sentence: string;
}

export const HOME = 'home.ddns.example';
export const OFFICE = 'office.ddns.example';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Plays one row on a fresh router. The result has what was found in the places of what is expected. */
export async function playFault(lab: Lab, fault: Fault): Promise<Result> {
  const router = await lab.fresh();
  const { service } = lab;
  const stage: Stage = {
    ...{ service, router, time: lab.time, config: configOf(lab.service, optionsOf(fault, lab.service)) },
    async reconfigure(config) {
      stage.config = config;
      stage.corrected = true;
      router.configure(config);
      router.signal('SIGHUP');
      await router.advance(5000);
    },
  };
  const { expected, move = fault.expected.axis === 'update' } = fault;
  router.configure(stage.config);
  let address = FIRST_ADDRESS;
  await fault.before?.(stage);
  let sent = service.requests().length;
  await router.boot({ ...(fault.bootWallMs !== undefined && { wallMs: fault.bootWallMs }) });
  if (fault.begin) {
    await router.advance(10 * MINUTE_MS);
    assertHealthy(stage, address);
    sent = service.requests().length;
    await fault.begin(stage);
    if (move) {
      address = SECOND_ADDRESS;
      if (move === 'unseen') {
        router.say(wanAt(address));
      } else {
        await router.moveTo(address);
      }
    }
  }
  await router.advance(fault.lastsMs ?? 20 * MINUTE_MS);
  const said = saidOn(expected.axis, router);
  const incident = openIncident(router);
  const event = router.events().find(({ code }) => code === expected.event)?.code;
  const requests = service.requests().length - sent;
  const healthy = faultOf(stage, address) === undefined;

  await (fault.lift ?? liftAll)(stage);
  await router.advance(fault.healsMs ?? 2 * HOUR_MS);
  return {
    ...{ axis: expected.axis, verdict: said.verdict, code: said.code, sentence: said.sentence },
    requests,
    end: await endOf(stage, address, healthy && requests === 0),
    ...(incident !== undefined && { incident }),
    ...(expected.event !== undefined && { event: event ?? 'none' }),
  };
}

function optionsOf({ options }: Fault, service: Service): SectionOptions | undefined {
  return typeof options === 'function' ? options(service) : options;
}

function saidOn(axis: AxisName, router: Router): Pick<StatusAxis, 'verdict' | 'code' | 'sentence'> {
  if (axis !== 'configuration') {
    return router.host().axes[axis];
  }
  const [problem]: readonly (object & { code?: string; sentence?: string; severity?: string })[] =
    router.status().problems;
  const { code = 'config/OK', sentence = '', severity } = problem ?? {};
  return {
    verdict: severity === undefined ? 'ok' : severity === 'error' ? 'failed' : 'warning',
    code,
    sentence,
  };
}

export async function liftAll({ service }: Pick<Stage, 'service'>): Promise<void> {
  await service.levers.reset();
}

async function endOf(stage: Stage, address: string, unharmed: boolean): Promise<End> {
  const { router } = stage;
  if (faultOf(stage, address) === undefined) {
    return stage.corrected ? 'corrected' : unharmed ? 'unharmed' : 'itself';
  }
  const blocked = router.host().block !== undefined;
  if (blocked && stage.config.includes(WRONG)) {
    await stage.reconfigure(stage.config.replaceAll(WRONG, ''));
    await router.advance(HOUR_MS);
    assertHealthy(stage, address);
    return 'corrected';
  }
  router.signal('SIGUSR1');
  await router.advance(2 * HOUR_MS);
  assertHealthy(stage, address);
  return 'asked';
}

/** Stands in a configuration for what is wrong with it. */
export const WRONG = 'wrong-';

function assertHealthy(stage: Stage, address: string): void {
  const fault = faultOf(stage, address);
  if (fault !== undefined) {
    throw new Error(`not healthy: ${fault}. The agent said: ${stage.router.stderr()}`);
  }
}

/** What keeps the world from being as it should: published, proven, and no incident open. */
function faultOf({ router, service }: Stage, address: string): string | undefined {
  for (const host of router.status().hostnames) {
    const bad = Object.values(host.axes).find((axis) => axis.verdict !== 'ok' && axis.verdict !== 'off');
    if (bad) return `${host.hostname}: ${bad.code} (${bad.verdict}): ${bad.sentence}`;
    const values = service.values(host.hostname, 'A').join();
    if (values !== address) return `${host.hostname} is ${values}, not ${address}`;
  }
  const incident = openIncident(router);
  return incident === undefined ? undefined : `incident ${incident} is open`;
}

interface OpenIncident {
  code: string;
  closedAt?: string;
}

/** The codes of all that are open. */
function openIncident(router: Router): string | undefined {
  const { incidents = [] }: StatusDocument & { incidents?: OpenIncident[] } = router.status();
  const open = incidents.filter((one) => one.closedAt === undefined).map(({ code }) => code);
  return open.length === 0 ? undefined : open.sort().join(' and ');
}

export function configOf(service: Service, options: SectionOptions = {}): string {
  const { port, resolvers, localResolver, control, dohUrls } = service.dns;
  const at = (addresses: readonly string[]) => addresses.map((address) => `${address}#${port}`);
  const agent = agentSection(service, {
    ...{ log_level: 'info', resync: '86400', resolver: at([localResolver]), public_resolver: at(resolvers) },
    ...{ control_server: at(control), doh_url: [...dohUrls] },
    ...options.agent,
  });
  const hosts = [
    hostSection('home', HOME, 'demo', options.host),
    ...(options.host2 ? [hostSection('office', OFFICE, 'demo', options.host)] : []),
  ];
  const { username = '', password = '' } = service.accounts[0] ?? {};
  const login = { username, password, ca_file: service.caFile };
  const account = section('account', 'demo', { provider: 'no-ip.com', ...login, ...options.account });
  return agent + account + hosts.join('');
}
