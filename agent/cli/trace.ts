/**
 * `holdfast trace HOST`: one attempt in the open: address, request, reply, verdict, DNS. What is confirmed already is
 * not sent again without `--force`: providers take repetitions for abuse. `--progress FILE` keeps the steps so far
 * for whoever watches.
 */
import type { HostnameConfig } from '../config/config.ts';
import type { Axis } from '../core/health.ts';
import { freshHost, type SavedState } from '../core/state.ts';
import type { StatusHost } from '../engine/status.ts';
import type { Stop } from '../ports.ts';
import type { Agent } from './agent.ts';
import { type CommandContext, EXIT } from './command.ts';
import { oneLine } from './log.ts';
import { lastStatus } from './running.ts';

interface TraceStep {
  step: 'source' | 'request' | 'reply' | 'update' | 'delegation' | 'authority' | 'publicView';
  text: string;
  evidence?: string[];
}

/** rpcd gives a call 30 s (its option -t), and people not much more; what is not known by then is shown as such. */
const TRACE_LIMIT_MS = 25_000;
/** Whoever sits at a terminal is told what takes so long. */
const QUIET_MS = 2000;

export async function trace({
  host,
  startAgent,
  configFile,
  json,
  words,
  options,
  readConfiguration,
}: CommandContext): Promise<number> {
  const configuration = await readConfiguration();
  if (!configuration.ok) {
    host.writeErr(`holdfast: ${configuration.sentence}\n`);
    return EXIT.usage;
  }
  const { hostnames, agent: settings } = configuration.config;
  const target = hostnames.find((one) => one.id === words[0] || one.hostname === words[0]);
  if (!target) {
    const known = hostnames.map((one) => one.id).join(', ');
    const unknown = `There is no hostname '${words[0]}'. Known are: ${known || 'none'}.`;
    // A hostname with a mistake is left out: the mistake is what helps, and alone where no other is left.
    const errors = configuration.problems.filter(({ severity }) => severity === 'error');
    const mistakes = errors.map(({ sentence }) => sentence);
    const said = known === '' && mistakes.length > 0 ? mistakes : [unknown, ...mistakes];
    host.writeErr(`holdfast: ${said.join(' ')}\n`);
    return EXIT.usage;
  }
  const steps: TraceStep[] = [];
  const progress = options.get('--progress');
  let written = Promise.resolve();
  function show(step: TraceStep): void {
    steps.push(step);
    if (progress !== undefined) {
      const text = JSON.stringify({ steps });
      // Whoever watches sees less without it; the attempt goes on.
      written = written.then(() => host.writeAtomic(progress, text, 0o600)).catch(() => {});
    }
    if (!json) {
      host.writeOut(`${step.step.padEnd(11)} ${oneLine(step.text)}\n`);
      for (const line of step.evidence ?? []) {
        host.writeOut(`${''.padEnd(11)}   ${oneLine(line)}\n`);
      }
    }
  }
  // A trace stands alone: it neither reads nor writes what the agent remembers, and does not log beside it.
  const config = {
    ...configuration.config,
    hostnames: [{ ...target, enabled: true }],
    agent: { ...settings, enabled: true, logLevel: 'error' as const },
  };
  const last = options.has('--force') ? undefined : await lastStatus(host, settings.stateDir);
  const known = last?.status.hostnames.find((one) => isConfirmed(one, target));
  let isSent = false;
  const agent = await startAgent(
    host,
    {
      configFile,
      only: target.id,
      ...(known && { known: stateOf(known) }),
      onReport(report) {
        if (/^(wan|address|ubus|netifd|device|source|router)\//.test(report.code)) {
          show({ step: 'source', text: report.sentence });
        }
      },
      onExchange(_, exchange) {
        isSent = true;
        show({ step: 'request', text: exchange.request });
        show({ step: 'reply', text: exchange.reply });
      },
    },
    { config, problems: [] },
  );
  const endWaits = host.isTerminal && !json ? showWaits(agent) : () => {};
  const limit = new Promise<void>((resolve) => host.after(TRACE_LIMIT_MS, resolve));
  await Promise.race([agent.settled(0), limit]);
  endWaits();
  const found = agent.status().hostnames[0];
  await agent.stop();
  if (known && !isSent && found?.axes.update.verdict === 'ok') {
    const text =
      'Nothing is sent: this address is confirmed already, and providers block whoever repeats it. ' +
      'Nothing to do; --force sends it all the same.';
    show({ step: 'request', text });
  }
  if (found) {
    showVerdicts(found);
  }
  await written;
  if (json) {
    host.writeOut(`${JSON.stringify({ hostname: target.hostname, steps, result: found })}\n`);
  }
  return found?.axes.update.verdict === 'ok' ? EXIT.ok : EXIT.failed;

  /** What is awaited, each once. */
  function showWaits({ loop, status }: Agent): Stop {
    const told = new Set<string>();
    let end: Stop;
    function look(): void {
      const update = status().hostnames[0]?.axes.update;
      const isChecking = loop.state().hosts[target?.id ?? '']?.check.pending;
      const checking = isChecking ? 'The name servers are being asked which address they have.' : '';
      const sentence = update?.verdict === 'pending' ? update.sentence : checking;
      if (sentence !== '' && !told.has(sentence)) {
        told.add(sentence);
        host.writeOut(`${'...'.padEnd(11)} ${oneLine(sentence)}\n`);
      }
      end = host.after(QUIET_MS, look);
    }
    end = host.after(QUIET_MS, look);
    return () => end();
  }

  function showVerdicts({ axes }: StatusHost): void {
    for (const step of ['update', 'delegation', 'authority', 'publicView'] as const) {
      const { verdict, sentence, evidence } = axes[step];
      show({ step, text: `${verdict satisfies Axis['verdict']}: ${sentence}`, evidence });
    }
  }
}

/** The agent has nothing to send for this hostname, and nothing is wrong with it. */
function isConfirmed(
  { id, hostname, account, verdict, axes, confirmed }: StatusHost,
  target: HostnameConfig,
): boolean {
  return (
    id === target.id &&
    hostname === target.hostname &&
    account === target.account &&
    verdict !== 'failed' &&
    axes.update.verdict === 'ok' &&
    Object.keys(confirmed).length > 0
  );
}

/** As if the trace had remembered what is confirmed. */
function stateOf({ id, hostname, account, confirmed }: StatusHost): SavedState {
  const addresses = Object.entries(confirmed).map(([family, { address, since }]) => [
    family,
    { address, wallMs: Date.parse(since) },
  ]);
  return {
    ...{ accounts: {}, lanes: {}, baselines: {} },
    hosts: {
      [id]: {
        ...freshHost({ hostname, account, revision: '' }),
        confirmed: Object.fromEntries(addresses),
        // A name that is gone is for the agent to send again.
        goneForced: true,
      },
    },
  };
}
