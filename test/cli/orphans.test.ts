import { expect, test } from 'vitest';
import { endOrphans } from '../../agent/cli/orphans.ts';

/** `environ` absent: it cannot be read. `ns`: its ids, from ours to its own; without it there is no such line. */
interface Process {
  environ?: string;
  parent: number;
  ns?: number[];
}

function held(agent: string, parent: number, ns?: number[]): Process {
  return {
    environ: `PATH=/bin\0HOLDFAST_HELD_BY=${agent}\0HOME=/root\0`,
    parent,
    ...(ns && { ns }),
  };
}

const INIT: Process = { environ: '', parent: 0, ns: [1] };
const AGENT: Process = { environ: 'PATH=/bin\0', parent: 1, ns: [700] };

async function endedOf(processes: Record<number, Process>, isGone: (path: string) => boolean = () => false) {
  const ended: string[] = [];
  await endOrphans({
    listFolder: async () => [...Object.keys(processes), 'cpuinfo', 'self', '12a'],
    async readText(path) {
      const [, , id = '', file] = path.split('/');
      const process = processes[Number(id)];
      if (!process || isGone(path)) {
        return undefined;
      }
      if (file === 'environ') {
        if (process.environ === undefined) {
          throw new Error('EACCES');
        }
        return process.environ;
      }
      const ns = process.ns ? `NSpid:\t${process.ns.join('\t')}\n` : '';
      return `Name:\tsleep\nState:\tS (sleeping)\nTgid:\t${id}\nPPid:\t${process.parent}\n${ns}Threads:\t1\n`;
    },
    sendSignal(pid, signal) {
      ended.push(`${pid} ${signal}`);
      return true;
    },
  });
  return ended;
}

test.each<[string, Record<number, Process>, string[]]>([
  ['an orphan', { 1: INIT, 50: held('600', 1) }, ['50 TERM']],
  [
    'an orphan whose agent had an id that is another process now',
    { 1: INIT, 600: AGENT, 50: held('600', 1) },
    ['50 TERM'],
  ],
  [
    'an orphan with a new parent that is not the first process',
    { 1: INIT, 300: { parent: 1, ns: [300] }, 50: held('600', 300) },
    ['50 TERM'],
  ],
  [
    'the first word of the environment',
    { 1: INIT, 50: { environ: 'HOLDFAST_HELD_BY=600\0', parent: 1 } },
    ['50 TERM'],
  ],
  [
    'several',
    { 1: INIT, 50: held('600', 1), 51: held('600', 1), 52: held('601', 1) },
    ['50 TERM', '51 TERM', '52 TERM'],
  ],
  ['what a living agent holds', { 1: INIT, 700: AGENT, 50: held('700', 700) }, []],
  [
    'what an agent in a jail holds, seen from outside',
    { 1: INIT, 700: { parent: 1, ns: [700, 1] }, 50: held('1', 700) },
    [],
  ],
  [
    'what an agent in two jails holds',
    { 1: INIT, 700: { parent: 1, ns: [700, 40, 9] }, 50: held('9', 700) },
    [],
  ],
  [
    'what a held script has started',
    { 1: INIT, 700: AGENT, 50: held('700', 700, [50]), 51: held('700', 50, [51]), 52: held('700', 51) },
    [],
  ],
  [
    'an orphaned script, and what it had started has a parent until then',
    { 1: INIT, 50: held('600', 1, [50]), 51: held('600', 50) },
    ['50 TERM'],
  ],
  ['what nobody marked', { 1: INIT, 50: { environ: 'PATH=/bin\0', parent: 1 } }, []],
  [
    'a mark in the value of something else',
    { 1: INIT, 50: { environ: 'A=HOLDFAST_HELD_BY=600\0', parent: 1 } },
    [],
  ],
  ['a mark that is no number', { 1: INIT, 50: held('600x', 1), 51: held('', 1) }, []],
  ["another user's process", { 1: INIT, 50: { parent: 1 } }, []],
  [
    'a kernel that does not tell the ids',
    { 1: { ...INIT, ns: undefined } as Process, 50: held('600', 1) },
    [],
  ],
  ['a parent out of sight', { 50: held('600', 0) }, []],
])('%s', async (_name, processes, expected) => {
  expect(await endedOf(processes)).toEqual(expected);
});

test('a process that ends meanwhile is left alone, and the others are not', async () => {
  const processes = { 1: INIT, 50: held('600', 1), 51: held('600', 1) };

  const ended = await endedOf(processes, (path) => path === '/proc/50/status');

  expect(ended).toEqual(['51 TERM']);
});

test('without /proc nothing happens', async () => {
  const ended: number[] = [];

  await endOrphans({
    listFolder: () => Promise.reject(new Error('EACCES')),
    readText: async () => undefined,
    sendSignal: (pid) => ended.push(pid) > 0,
  });

  expect(ended).toEqual([]);
});
