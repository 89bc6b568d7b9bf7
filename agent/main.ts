/** Composition root: arguments -> command -> configuration -> host -> engine. Everything is wired here. */
import { version } from '../package.json';
import type { Agent, AgentOptions } from './cli/agent.ts';
import { runCommandLine } from './cli/cli.ts';
import { createLog } from './cli/log.ts';
import { defectText, problemText } from './cli/problem.ts';
import { readForAgent } from './cli/reading.ts';
import type { AccountConfig, Config, Problem } from './config/config.ts';
import { channelPlansOf, channelsOf, secretsOfNotify } from './config/notify.ts';
import { planOf } from './config/plan.ts';
import { secretsOf } from './config/secrets.ts';
import type { Report } from './core/draft.ts';
import { type AgentState, savedState } from './core/state.ts';
import { isSettled, PATIENCE_MS } from './core/summary.ts';
import { startLoop } from './engine/loop.ts';
import { type StatusDocument, statusOf, timeText } from './engine/status.ts';
import { runUpdate } from './engine/update.ts';
import { createVerifier } from './engine/verify.ts';
import { resolversOf } from './net/resolv-conf.ts';
import { netifdSource } from './openwrt/netifd.ts';
import type { DnsServer, Host } from './ports.ts';
import type { Credential, Exchange } from './providers/protocol.ts';
import { createRedactor } from './providers/redact.ts';
import { PROTOCOLS } from './providers/registry.ts';
import { userAgentOf } from './providers/user-agent.ts';
import { createSources } from './sources/all.ts';
import { withReports } from './store/past-events.ts';
import { createStore } from './store/state.ts';
import type { PastEvent } from './store/state-file.ts';

const FLUSH_LIMIT_MS = 500;

/** Wires one agent over a host and starts it. The configuration was read by the caller. */
async function startAgent(
  host: Host,
  options: AgentOptions,
  first: { config: Config; problems: Problem[] },
): Promise<Agent> {
  let { config, problems } = first;
  const log = createLog(host, () => config.agent.logLevel, options.syslog);
  const startedAt = timeText(host.nowMs());
  const { stateDir, publishedFile } = config.agent;
  const store = createStore({
    ...{ files: host, clock: host, log, random: host.random, stateDir, publishedFile },
    show: writeStatus,
  });
  const loaded =
    options.only === undefined ? await store.load() : { state: options.known, events: [], salt: '' };
  let events: PastEvent[] = loaded.events;
  let whenSettled: { patienceMs: number; tell(): void } | undefined;
  const credentials = new Map<string, Partial<Credential>>();
  const redact = createRedactor(() => credentials.values(), host.secretForms);
  const openwrtRelease = await host.readText('/etc/openwrt_release').catch(() => undefined);
  const updateParts = {
    ...{ http: host.http, processes: host, clock: host, crypto: host.crypto },
    ...{ dns: host.dns, exchangeDns: host.exchangeDns, resolvers },
    protocols: PROTOCOLS,
    account: (id: string) => withCredential(config.accounts.get(id)),
    userAgent: () => userAgentOf(openwrtRelease, version, config.agent.contact),
    redact,
    onExchange(account: string, exchange: Exchange) {
      log('debug', `${account}: ${exchange.request} -> ${exchange.reply}`);
      options.onExchange?.(account, exchange);
    },
  };
  const aliasParts = { ...updateParts, authorityPort: () => config.agent.dnsPort };
  const notifyParts = {
    ...{ http: host.http, processes: host, version, redact },
    channels: () => channelsOf(config.agent, loaded.salt),
    routerName: () => host.readText('/proc/sys/kernel/hostname'),
  };
  const loop = startLoop(
    {
      clock: host,
      random: host.random,
      source: createSources({
        ...{ host, log, userAgent: updateParts.userAgent },
        network: netifdSource({ processes: host, clock: host, log }),
      }),
      update: (command, state) => runUpdate(updateParts, command, state),
      verify: createVerifier({
        ...{ ...updateParts, random: host.random, dnsOverHttps: host.dnsOverHttps, checker: host.checker },
        settings: () => config.agent,
      }),
      notify: async (command) => (await import('./engine/notify.ts')).deliver(notifyParts, command),
      alias: async (command) => (await import('./engine/alias.ts')).runAlias(aliasParts, command),
      onStep,
      onDefect: (cause) => log('error', redact(defectText(cause))),
    },
    loaded.state,
  );

  function onStep(state: AgentState, reports: Report[]): void {
    for (const report of reports) {
      log(report.level, report.sentence);
      options.onReport?.(report);
    }
    events = withReports(events, reports, host.nowMs());
    if (options.only === undefined) {
      store.save(savedState(state), events);
    }
    if (whenSettled && isSettled(state, loop.now(), whenSettled.patienceMs)) {
      whenSettled.tell();
    }
  }

  function status(): StatusDocument {
    const agent = {
      version,
      ...{ runtime: host.runtime, limits: host.limits },
      pid: host.pid,
      startedAt,
      memoryKib: host.memoryKib(),
    };
    const shown = events.map(({ wallMs, ...event }) => ({ at: timeText(wallMs), ...event }));
    return statusOf(loop.state(), loop.now(), agent, problems, shown);
  }

  async function writeStatus(): Promise<void> {
    const text = `${JSON.stringify(status())}\n`;
    // A status that cannot be written was reported by the store, which writes beside it.
    await host
      .makeFolder(stateDir, 0o755)
      .then(() => host.writeAtomic(`${stateDir}/status.json`, text, 0o644))
      .catch(() => {});
  }

  async function resolvers(): Promise<DnsServer[]> {
    const configured = config.agent.resolvers;
    return configured.length > 0
      ? configured
      : resolversOf(await host.readText('/etc/resolv.conf').catch(() => undefined));
  }

  /** None is forgotten: a reply on its way may echo what a reload has replaced. */
  function rememberCredentials(): void {
    const ofAccounts = [...config.accounts.values()].flatMap(secretsOf);
    for (const secret of [...ofAccounts, ...config.agent.notify.flatMap(secretsOfNotify)]) {
      credentials.set(JSON.stringify(secret), secret);
    }
  }

  function plan(): void {
    rememberCredentials();
    for (const problem of problems) {
      log(problem.severity, problemText(problem));
    }
    const all = planOf(config, loaded.salt);
    const hosts = Object.entries(all.hosts).filter(
      ([id]) => options.only === undefined || id === options.only,
    );
    loop.dispatch({
      type: 'planned',
      plan: {
        ...all,
        // A trace tells nobody.
        channels: options.only === undefined ? channelPlansOf(notifyParts.channels()) : [],
        hosts: Object.fromEntries(hosts),
        aliases: options.only === undefined ? (all.aliases ?? {}) : {},
      },
    });
  }

  let reloading = Promise.resolve();
  function reload(): Promise<void> {
    reloading = reloading.then(readAgain);
    return reloading;
  }

  async function readAgain(): Promise<void> {
    const read = await readForAgent(host, options.configFile);
    if (!read.ok) {
      log('error', `${read.sentence} The settings from before stay in force.`);
      return;
    }
    ({ config, problems } = read);
    plan();
    log('notice', 'The configuration was read again.');
  }

  async function stop(): Promise<void> {
    loop.stop();
    const limit = new Promise<void>((resolve) => host.after(FLUSH_LIMIT_MS, resolve));
    await Promise.race([Promise.all([store.flush(), log.flush()]), limit]);
  }

  plan();
  const settled = (patienceMs = PATIENCE_MS) =>
    new Promise<void>((tell) => {
      whenSettled = { patienceMs, tell };
      loop.dispatch({ type: 'woken' });
    });
  return { loop, config: () => config, status, reload, settled, stop };
}

function withCredential(account: AccountConfig | undefined) {
  return (
    account && {
      ...account,
      credential: { username: account.username ?? '', password: account.password ?? '' },
    }
  );
}

/** The program, on whatever runtime started it. */
export async function main(host: Host): Promise<never> {
  return host.exit(await runCommandLine(host, { version, startAgent }));
}
