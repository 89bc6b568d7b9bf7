/** The fault table as a page for people: what is expected of each row. */
import { ENDS, type Expected, type Fault } from './fault.ts';
import type { Group } from './table.ts';

const AXES = {
  update: 'update channel',
  delegation: 'delegation',
  authority: 'authority',
  publicView: 'public view',
  configuration: 'configuration',
} as const;

const COLUMNS = [
  'What goes wrong',
  'How it is made',
  'What Holdfast says',
  'Update requests',
  'When it is over',
] as const;

export function faultsPage(groups: readonly Group[]): string {
  const count = groups.reduce((sum, { faults }) => sum + faults.length, 0);
  return [
    '# Faults',
    '',
    `${count} things that go wrong, and what Holdfast makes of each. Every row is played by the tests with the built`,
    'agent as a real process, against a whole provider with its DNS on real sockets, on a clock of its own:',
    '`npm run faults` plays them and shows the sentences, too; `npm run faults -- --write` renews this page.',
    '',
    'Before most faults the name was published and proven; then the address changes (where the update channel is',
    'meant) or stays (where DNS is). "Update requests" counts those that reach the provider while the fault lasts.',
    ...groups.flatMap(({ title, faults }) => ['', `## ${title}`, '', ...tableOf(faults)]),
    '',
  ].join('\n');
}

function tableOf(faults: readonly Fault[]): string[] {
  const rows = faults.map(({ fault, made, expected }) => [
    escaped(fault),
    escaped(made),
    says(expected),
    String(expected.requests),
    ENDS[expected.end],
  ]);
  return [COLUMNS, COLUMNS.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

export function says({ axis, verdict, code, incident, event }: Expected): string {
  return [
    `${AXES[axis]} ${verdict}: \`${code}\``,
    ...(incident === undefined
      ? []
      : [incident === code ? 'incident' : `incident \`${incident.replaceAll(' and ', '` and `')}\``]),
    ...(event === undefined ? [] : [`event \`${event}\``]),
  ].join('; ');
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '\\<');
}
