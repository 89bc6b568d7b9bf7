/**
 * The status in Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). The
 * collector `holdfast.lua` for OpenWrt's own exporter gives the same samples.
 */
import type { AxisVerdict } from '../core/health.ts';
import type { StatusDocument } from '../engine/status.ts';

type Labels = Record<string, string>;
type Sample = [labels: Labels, value: number];

interface Metric {
  name: string;
  help: string;
  samples: Sample[];
}

/** What an older agent does not write may be missing. */
type Known = Partial<StatusDocument>;

const VERDICTS: readonly AxisVerdict[] = ['ok', 'pending', 'warning', 'failed', 'unknown', 'off'];
const AXES = ['update', 'delegation', 'authority', 'publicView'] as const;

/** `running`: a process of the agent lives. Without a status nothing else is known. */
export function prometheusText(status: StatusDocument | undefined, running: boolean): string {
  const up: Metric = {
    name: 'holdfast_up',
    help: 'Whether a process of the agent is running; by events it runs only now and then.',
    samples: [[{}, Number(running)]],
  };
  return [up, ...(status ? metricsOf(status, running) : [])].map(metricText).join('');
}

function metricsOf(status: Known, running: boolean): Metric[] {
  const { agent, writtenAt, problems = [], wans = [], accounts = [], notifications } = status;
  const { hostnames = [], incidents = [], aliases = [] } = status;
  const open = incidents.filter(({ closedAt }) => closedAt === undefined);
  const hosts = hostnames.map((one) => ({ ...one, labels: { id: one.id, hostname: one.hostname } }));
  const aliasLabels = ({ id, hostname }: { id: string; hostname: string }) => ({ id, hostname });
  return [
    gauge('build_info', 'Version and runtime of the agent.', [
      [{ version: agent?.version ?? '', runtime: agent?.runtime ?? '' }, 1],
    ]),
    gauge('start_time_seconds', 'When the agent started.', [[{}, secondsOf(agent?.startedAt)]]),
    gauge('status_timestamp_seconds', 'When the agent last wrote its status.', [[{}, secondsOf(writtenAt)]]),
    gauge(
      'resident_memory_bytes',
      'Memory that the agent held when it wrote its status.',
      running ? [[{}, (agent?.memoryKib ?? Number.NaN) * 1024]] : [],
    ),
    gauge(
      'config_problems',
      'Mistakes in the configuration.',
      ['error', 'warning'].map((severity): Sample => {
        const count = problems.filter((one) => 'severity' in one && one.severity === severity).length;
        return [{ severity }, count];
      }),
    ),
    gauge(
      'wan_up',
      'Whether an interface that a hostname uses is up.',
      wans.map(({ name, source, up }): Sample => [{ network: name, source }, Number(up)]),
    ),
    gauge(
      'account_state',
      'Whether the provider lets the account update: 1 for the state that it is in.',
      accounts.flatMap(({ id, provider, state }) =>
        oneHot({ account: id, provider }, ['ok', 'waiting', 'blocked'], state),
      ),
    ),
    gauge(
      'hostname_info',
      'Account and provider of a hostname.',
      hosts.map(({ labels, account, provider }): Sample => [{ ...labels, account, provider }, 1]),
    ),
    gauge(
      'hostname_state',
      'Verdict on a hostname, the worst of its axes: 1 for the state that it is in.',
      hosts.flatMap(({ labels, verdict }) => oneHot(labels, VERDICTS, verdict)),
    ),
    gauge(
      'hostname_works',
      'Whether the name works for the world, by its name servers; missing while that is not known.',
      hosts.flatMap(({ labels, works }): Sample[] =>
        works === 'yes' || works === 'no' ? [[labels, Number(works === 'yes')]] : [],
      ),
    ),
    gauge(
      'axis_state',
      'What is known of a hostname on each axis: 1 for the state that it is in.',
      hosts.flatMap(({ labels, axes }) =>
        AXES.flatMap((axis) => oneHot({ ...labels, axis }, VERDICTS, axes[axis].verdict)),
      ),
    ),
    gauge(
      'axis_checked_timestamp_seconds',
      'When the name servers were last asked.',
      hosts.flatMap(({ labels, axes }) =>
        AXES.map((axis): Sample => [{ ...labels, axis }, secondsOf(axes[axis].checkedAt)]),
      ),
    ),
    gauge(
      'confirmed_timestamp_seconds',
      'Since when the provider has confirmed the published address.',
      hosts.flatMap(({ labels, confirmed }) =>
        Object.entries(confirmed).map(
          ([family, one]): Sample => [{ ...labels, family }, secondsOf(one?.since)],
        ),
      ),
    ),
    gauge(
      'next_update_timestamp_seconds',
      'When the next update is due, where one is.',
      hosts.map(({ labels, next }): Sample => [labels, secondsOf(next?.at)]),
    ),
    gauge(
      'hostname_blocked',
      'Whether updates have stopped until somebody acts.',
      hosts.map(({ labels, block }): Sample => [labels, Number(block !== undefined)]),
    ),
    gauge('open_incidents', 'Incidents that are not over.', [[{}, open.length]]),
    gauge(
      'incident_open',
      'An incident that is not over.',
      open.map(({ code, subject, mustAct }): Sample => [{ code, subject, must_act: String(mustAct) }, 1]),
    ),
    gauge(
      'incident_opened_timestamp_seconds',
      'When an incident began that is not over.',
      open.map(({ code, subject, openedAt }): Sample => [{ code, subject }, secondsOf(openedAt)]),
    ),
    gauge(
      'alias_state',
      'Verdict on an alias: 1 for the state that it is in.',
      aliases.flatMap((one) => oneHot(aliasLabels(one), VERDICTS, one.verdict)),
    ),
    gauge(
      'alias_target_info',
      'The hostname section that an alias points at.',
      aliases.flatMap((one): Sample[] =>
        one.target === undefined ? [] : [[{ ...aliasLabels(one), target: one.target }, 1]],
      ),
    ),
    gauge('notifications_waiting', 'Messages that somebody has not got yet.', [
      [{}, notifications?.waiting ?? 0],
    ]),
  ];
}

function gauge(name: string, help: string, samples: Sample[]): Metric {
  return { name: `holdfast_${name}`, help, samples };
}

/** Each state as a sample of its own, 1 for the present one: a change of state is a change of values. */
function oneHot(labels: Labels, states: readonly string[], present: string): Sample[] {
  return states.map((state) => [{ ...labels, state }, Number(state === present)]);
}

/** NaN for what has not happened. */
function secondsOf(time: string | undefined): number {
  return Date.parse(time ?? '') / 1000;
}

/** Nothing for a metric without samples. */
function metricText({ name, help, samples }: Metric): string {
  const lines = samples.flatMap(([labels, value]) =>
    Number.isNaN(value) ? [] : `${name}${labelText(labels)} ${value}\n`,
  );
  // A scrape with a sample twice is refused as a whole.
  const unique = [...new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line])).values()];
  return unique.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${unique.join('')}`;
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
