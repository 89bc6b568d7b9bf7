/** `holdfast status`: what the agent wrote last, for people or as it is. */
import type { AxisVerdict } from '../core/health.ts';
import type { StatusAxis, StatusDocument, StatusHost, StatusIncident } from '../engine/status.ts';
import type { StatusAlias } from '../engine/status-alias.ts';
import type { Host } from '../ports.ts';
import { type CommandContext, EXIT } from './command.ts';
import { oneLine } from './log.ts';
import { type Colour, paint } from './paint.ts';
import { counted } from './problem.ts';
import { prometheusText } from './prometheus.ts';
import { lastStatus } from './running.ts';

/** A word beside the colour: colour is never the only sign. */
const MARKS: Record<AxisVerdict, [Colour, string]> = {
  ok: ['green', 'ok'],
  pending: ['blue', 'pending'],
  warning: ['yellow', 'warning'],
  failed: ['red', 'FAILED'],
  unknown: ['dim', 'unknown'],
  off: ['dim', 'off'],
};

const WORKS = { yes: 'works', no: 'does not work', unknown: 'not known' } as const;

const AXES = [
  ['update', 'update accepted'],
  ['delegation', 'zone delegation'],
  ['authority', 'name servers'],
  ['publicView', 'public view'],
] as const;

export async function showStatus({
  host,
  json,
  options,
  readConfiguration,
}: CommandContext): Promise<number> {
  const configuration = await readConfiguration();
  const stateDir = configuration.ok ? configuration.config.agent.stateDir : '/var/run/holdfast';
  const last = await lastStatus(host, stateDir);
  if (options.has('--prometheus')) {
    // Not running is an answer here, and a program that fails gives none.
    host.writeOut(prometheusText(last?.status, last?.alive === true));
    return EXIT.ok;
  }
  const isByEvents = configuration.ok && configuration.config.agent.mode === 'event';
  // procd leaves the file there when the process ends by itself; who stops the service takes it away.
  const isWaiting = isByEvents && (await host.readText(`${stateDir}.once.pid`).catch(() => '')) !== undefined;
  if (!last) {
    const sentence = isWaiting
      ? `The agent runs only while there is work (option mode), and has not run yet (no status in ${stateDir}).`
      : `The agent is not running (no status in ${stateDir}).`;
    host.writeErr(`holdfast: ${sentence} Start it with /etc/init.d/holdfast start.\n`);
    return EXIT.notRunning;
  }
  host.writeOut(json ? `${JSON.stringify(last.status)}\n` : statusText(host, last.status));
  if (!last.alive && isWaiting) {
    if (!json) {
      host.writeOut(`\n${idleText(last.status)}\n`);
    }
    return EXIT.ok;
  }
  if (!last.alive) {
    host.writeErr(`holdfast: The agent is not running; this is from ${last.status.writtenAt}.\n`);
    return EXIT.notRunning;
  }
  return EXIT.ok;
}

/** Of an agent that events start. */
function idleText({ writtenAt, hostnames, aliases }: StatusDocument): string {
  const [next] = [...hostnames, ...aliases].flatMap((one) => one.next ?? []).sort(byTime);
  const due = next ? ` Next is due at ${next.at}: ${next.sentence}` : '';
  return (
    `The agent runs only while there is work (option mode). It last ran at ${writtenAt}, ` +
    `and starts again when an interface changes, and within the hour.${due}`
  );
}

function byTime(one: { at: string }, other: { at: string }): number {
  return one.at < other.at ? -1 : 1;
}

export function statusText(host: Host, status: StatusDocument): string {
  const { agent } = status;
  const lines = [
    `holdfast ${agent.version} on ${agent.runtime}, process ${agent.pid}, since ${agent.startedAt}, ${agent.memoryKib} KiB`,
    // The status may have been written by an earlier version.
    ...(agent.limits ?? []).map(({ sentence }) => `note: ${sentence}`),
    // Two sources may show the same interface.
    ...new Set(
      status.wans.map(
        (wan) =>
          `${wan.name}: ${wan.up ? 'up' : 'down'}${wan.addresses.map((address) => ` ${address}`).join('')}`,
      ),
    ),
    ...(status.problems.length > 0
      ? [`${counted(status.problems.length, 'problem')} in the configuration: see holdfast check-config`]
      : []),
    ...status.incidents
      .filter((one) => one.closedAt === undefined)
      .flatMap((one) => incidentLines(host, one)),
    ...status.hostnames.flatMap((one) => ['', ...hostLines(host, one)]),
    ...status.aliases.flatMap((one) => ['', ...aliasLines(host, one)]),
    ...notificationLines(status),
    ...(status.events.length > 0 ? ['', paint(host, 'bold', 'Last events')] : []),
    ...status.events.slice(-8).map((event) => `  ${event.at}  ${event.sentence}`),
  ];
  return `${lines.map((line) => (line.includes('\u001b[') ? line : oneLine(line))).join('\n')}\n`;
}

/** Nothing as long as everybody is told. */
function notificationLines({ notifications }: Partial<StatusDocument>): string[] {
  const { waiting = 0, lastProblem = '' } = notifications ?? {};
  return waiting === 0 ? [] : ['', `Messages that were not delivered yet: ${waiting}. ${lastProblem}`.trim()];
}

function incidentLines(host: Host, { sentence, mustAct, openedAt }: StatusIncident): string[] {
  const act = mustAct ? ' You have to do something.' : '';
  return ['', `${paint(host, 'red', 'Incident')} since ${openedAt}: ${oneLine(sentence)}${act}`];
}

function aliasLines(host: Host, one: StatusAlias): string[] {
  const target = one.targets.find(({ id }) => id === one.target);
  return [
    `${paint(host, 'bold', one.hostname)} (${one.id}, alias): ${mark(host, one.verdict)} ${oneLine(one.sentence)}`,
    `  points at: ${target?.hostname ?? 'no target yet'}${one.since === undefined ? '' : ` since ${one.since}`}`,
    ...one.targets.map(({ hostname, works }) => `  target: ${hostname}: ${WORKS[works]}`),
    ...(one.next ? [`  next: ${one.next.at}. ${one.next.sentence}`] : []),
  ];
}

function hostLines(host: Host, one: StatusHost): string[] {
  const families = ['ipv4', 'ipv6'] as const;
  const published = families.flatMap((family) => one.confirmed[family] ?? []);
  return [
    `${paint(host, 'bold', one.hostname)} (${one.id}, ${one.provider}): ${mark(host, one.verdict)} ${oneLine(one.sentence)}`,
    ...published.map(
      ({ address, since, note }) =>
        `  published: ${address} since ${since}${note === undefined ? '' : `. ${note}`}`,
    ),
    ...(published.length === 0 ? ['  published: nothing yet'] : []),
    ...families.flatMap((family) => {
      const { address, network } = one.desired[family] ?? {};
      return address !== undefined && address !== one.confirmed[family]?.address
        ? [`  wanted: ${address} (${network})`]
        : [];
    }),
    `  for the world: ${WORKS[one.works]}`,
    ...AXES.map(([name, label]) => axisLine(host, label, one.axes[name])),
    ...(one.next ? [`  next update: ${one.next.at}. ${one.next.sentence}`] : []),
    ...(one.block ? [`  blocked since ${one.block.since}. ${one.block.howToLift}`] : []),
  ];
}

function axisLine(host: Host, label: string, axis: StatusAxis): string {
  return `  ${label.padEnd(16)} ${mark(host, axis.verdict)} ${oneLine(axis.sentence)}`;
}

function mark(host: Host, verdict: AxisVerdict): string {
  const [colour, word] = MARKS[verdict];
  return paint(host, colour, word.padEnd(8));
}
