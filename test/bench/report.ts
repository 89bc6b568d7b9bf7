/** What was measured, as a table to read and as a picture. */
import { type BarPanel, linesSvg, type Panel } from '../chart/lines.ts';
import type { ContestResult, Entrant, Poller } from './contest.ts';
import type { Spread } from './figures.ts';
import type { ScaleResult, ScaleRow } from './scale.ts';
import type { Size } from './sizes.ts';

export interface BenchResult {
  /** When and on what. */
  machine: { at: string; cpus: string; memoryMib: number; kernel: string; loadBefore: number[] };
  contest?: ContestResult;
  scale?: ScaleResult;
  sizes: Size[];
}

/**
 * ddns-scripts cannot run here: it needs OpenWrt. These were measured on a real OpenWrt userland on the same
 * class of machine, 22 November 2026.
 */
const QUOTED = [
  'Quoted, from an OpenWrt userland on this class of machine, not of this run:',
  '  ddns-scripts, woken by hotplug: 235 to 286 ms to the accepted update, median 243 (n=5)',
  '  ddns-scripts, address changed in place, default poll: 598 s (n=1)',
  '  ddns-scripts: 402 forks and 263 programs for a change, 92 and 69 for an idle check',
  '  ddns-scripts: 5.0 MB RSS and 1.1 MB PSS for one hostname and family, 9.9 and 1.9 MB for two',
  "  netifd's notification reaches a subscriber 1.3 ms (at most 4.3) after the kernel has the address",
];

export function tablesOf({ machine, contest, scale, sizes }: BenchResult): string {
  const { at, cpus, memoryMib, kernel, loadBefore } = machine;
  return [
    `${at}, ${cpus}, ${memoryMib} MiB, Linux ${kernel}, load ${loadBefore.map((one) => one.toFixed(1)).join(' ')}`,
    '',
    ...(contest ? contestTables(contest) : []),
    ...(scale ? scaleTable(scale) : []),
    ...sizesTable(sizes),
    ...QUOTED,
    '',
  ].join('\n');
}

function contestTables({ entrants, pollers }: ContestResult): string[] {
  const changes = entrants[0]?.requestMs.length ?? 0;
  return [
    `From the kernel's address change, median and quartiles in ms (${changes} changes each, interleaved; ratio: to inadyn`,
    'woken by its signal, round by round; sooner: in so many rounds):',
    row(['', 'request', 'quartiles', 'p99', 'in DNS', 'ratio', 'quartiles', 'sooner', 'lost']),
    ...entrants.map((one) =>
      row([
        `${one.name} ${one.scheme}`,
        ms(one.request?.median),
        `${ms(one.request?.low)}-${ms(one.request?.high)}`,
        ms(one.request?.p99),
        ms(one.confirmed?.median),
        one.ratio?.median.toFixed(2) ?? '',
        one.ratio ? `${one.ratio.low.toFixed(2)}-${one.ratio.high.toFixed(2)}` : '',
        one.ratio ? `${one.ratio.sooner}/${one.ratio.count}` : '',
        `${one.requestMs.filter((value) => value === null).length}`,
      ]),
    ),
    '',
    'At their default polling, to the request in seconds:',
    ...pollers.map(pollerLine),
    '',
    'Each program itself (over https, after all these changes; Holdfast also asks the DNS, the others do not):',
    row(['', 'start', 'RSS', 'PSS', 'dirty', 'threads', 'children', 'wake-ups', 'CPU', 'forks', 'programs']),
    row(['', 'ms', 'KiB', 'KiB', 'KiB', '', 'held', 'a minute', 'ms/change', 'a change', 'a change']),
    ...entrants.flatMap((one) => (one.scheme === 'https' ? programRow(one) : [])),
    '',
  ];
}

function pollerLine({ name, pollSec, request }: Poller): string {
  const sec = (value: number | undefined) => ((value ?? Number.NaN) / 1000).toFixed(0);
  return request
    ? `  ${name}, every ${pollSec} s: median ${sec(request.median)}, from ${sec(request.least)} to ${sec(request.most)} (n=${request.count})`
    : `  ${name}, every ${pollSec} s: none came in the time of this run`;
}

function programRow(one: Entrant): string {
  const { memory, forksPerChange } = one;
  return row([
    one.name,
    ms(one.startMs?.median),
    ...[memory.rssKib, memory.pssKib, memory.privateDirtyKib].map((kib) => `${kib}`),
    `${one.threads}`,
    `${one.children}`,
    one.wakeUpsPerMinute.toFixed(1),
    ms(one.cpuMsPerChange),
    forksPerChange?.processes.toFixed(1) ?? '',
    forksPerChange?.programs.toFixed(1) ?? '',
  ]);
}

function scaleTable({ rows, failures }: ScaleResult): string[] {
  return [
    'One renumbering of many hostnames (service on loopback; "step": the decisions alone):',
    row(['', 'requests', 'fewest', 'all after', 'RSS', 'dirty', 'resync', 'step', 'step', 'state', 'status']),
    row(['', '', '', 'ms', 'KiB', 'KiB', 'CPU ms', 'CPU us', 'B new', 'B/name', 'B/name']),
    ...rows.map(
      ({ runtime, hosts, accounts, requests, fewest, confirmedMs, memory, resyncCpuMs, step, ...one }) =>
        row([
          `${runtime}${one.heapMib === undefined ? '' : `, ${one.heapMib} MiB`}: ${hosts} on ${accounts}`,
          `${requests}`,
          `${fewest}`,
          ms(confirmedMs?.median),
          `${memory.rssKib}`,
          `${memory.privateDirtyKib}`,
          ms(resyncCpuMs),
          `${step?.resyncUs ?? ''}`,
          `${step?.resyncAllocatedBytes ?? ''}`,
          `${step?.bytesPerHost ?? ''}`,
          `${Math.round(one.statusBytes / hosts)}`,
        ]),
    ),
    ...failures.map((one) => `Too much: ${one}`),
    '',
  ];
}

function sizesTable(sizes: readonly Size[]): string[] {
  return [
    'Sizes in bytes:',
    ...sizes.map(({ what, bytes }) => `  ${what}: ${bytes.toLocaleString('en')}`),
    '',
  ];
}

function row([name = '', ...cells]: readonly string[]): string {
  return name.padEnd(34) + cells.map((cell) => cell.padStart(11)).join('');
}

function ms(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(value < 10 ? 1 : 0);
}

export function pictureOf({ contest, scale }: BenchResult): string {
  return linesSvg([
    ...(contest ? (['https', 'http'] as const).map((scheme) => latencyPanel(contest, scheme)) : []),
    ...(contest ? [memoryPanel(contest)] : []),
    ...(scale ? scalePanels(scale.rows) : []),
  ]);
}

function latencyPanel({ entrants, pollers }: ContestResult, scheme: Entrant['scheme']): BarPanel {
  const woken = entrants.filter((one) => one.scheme === scheme);
  const bars = [
    ...woken.map(({ name, client, request }) => ({ name, client, request })),
    ...(scheme === 'https' ? pollers.map(({ name, client, request }) => ({ name, client, request })) : []),
  ];
  return {
    title: `From the kernel's address change to the request at the provider, ${scheme} (median, quartiles)`,
    xTitle: 'milliseconds',
    logX: true,
    bars: bars.flatMap(({ name, client, request }) =>
      request ? [{ name, ...spreadBar(request), note: words(request), group: groupOf(client) }] : [],
    ),
  };
}

function spreadBar({ median, low, high }: Spread) {
  return { value: median, low, high };
}

function memoryPanel({ entrants }: ContestResult): BarPanel {
  return {
    title: "Memory that is the idle program's own (Private_Dirty)",
    xTitle: 'KiB',
    logX: true,
    bars: entrants.flatMap(({ name, client, scheme, memory: { privateDirtyKib: value } }) =>
      scheme === 'https' ? [{ name, value, note: `${value} KiB`, group: groupOf(client) }] : [],
    ),
  };
}

function scalePanels(rows: readonly ScaleRow[]): Panel[] {
  const runtimes = [...new Set(rows.map(({ runtime }) => runtime))];
  const of = (runtime: string, value: (row: ScaleRow) => number) =>
    rows.filter((one) => one.runtime === runtime).map((one): [number, number] => [one.hosts, value(one)]);
  return [
    {
      title: 'One renumbering of many hostnames: to the last confirmation',
      xTitle: 'hostnames',
      yTitle: 'milliseconds',
      logX: true,
      logY: true,
      lines: [
        ...runtimes.map((runtime) => ({
          name: runtime,
          points: of(runtime, ({ confirmedMs }) => confirmedMs?.median ?? Number.NaN),
        })),
        { name: 'requests', points: of(runtimes[0] ?? '', ({ requests }) => requests) },
      ],
    },
  ];
}

function groupOf(client: string): number {
  return ['holdfast', 'inadyn', 'ddclient'].findIndex((one) => client.startsWith(one));
}

function words({ median, count }: Spread): string {
  return median < 1000 ? `${ms(median)} ms` : `${(median / 1000).toFixed(0)} s (n=${count})`;
}
