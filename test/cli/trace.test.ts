/** What a trace says while it waits. What it finds is tested with real agents. */
import { describe, expect, test } from 'vitest';
import type { Agent } from '../../agent/cli/agent.ts';
import type { CommandContext } from '../../agent/cli/command.ts';
import { trace } from '../../agent/cli/trace.ts';
import { virtualClock } from '../fakes/virtual-clock.ts';

type Stage = 'reading' | 'sending' | 'checking' | 'done';

const SENTENCES: Partial<Record<Stage, string>> = {
  reading: 'The addresses are being read.',
  sending: 'The reply is awaited.',
};

/** The output of a trace whose agent is at each stage for so many ms, on a terminal unless said otherwise. */
async function outputOf(stages: [Stage, number][], { json = false, isTerminal = true } = {}) {
  const clock = virtualClock();
  let stage: Stage = 'reading';
  const written: string[] = [];
  const axis = { verdict: 'unknown', sentence: '-', evidence: [] };
  const agent = {
    loop: { state: () => ({ hosts: { home: { check: { pending: stage === 'checking' } } } }) },
    status() {
      const sentence = SENTENCES[stage];
      const update = sentence ? { verdict: 'pending', sentence } : { verdict: 'ok', sentence: 'Confirmed.' };
      return { hostnames: [{ axes: { update, delegation: axis, authority: axis, publicView: axis } }] };
    },
    async settled() {
      for (const [next, durationMs] of stages) {
        stage = next;
        await new Promise<void>((resolve) => void clock.after(durationMs, resolve));
      }
      stage = 'done';
    },
    stop: async () => {},
  } as unknown as Agent;
  const context = {
    host: {
      ...clock,
      isTerminal,
      readText: async () => undefined,
      writeOut: (text: string) => written.push(`${clock.monotonicMs()} ${text.trim()}`),
    },
    startAgent: async () => agent,
    readConfiguration: async () => ({
      ok: true,
      problems: [],
      config: { hostnames: [{ id: 'home', hostname: 'home.example.org' }], agent: { stateDir: '/none' } },
    }),
    configFile: '/none/config',
    json,
    words: ['home'],
    options: new Map(),
  } as unknown as CommandContext;

  const ended = trace(context);
  await clock.advance(60_000);
  await ended;
  return { waits: written.filter((line) => line.includes('...')), lines: written.length };
}

describe('while it waits', () => {
  test.each<[string, [Stage, number][], string[]]>([
    [
      'a quick one says nothing',
      [
        ['reading', 100],
        ['sending', 800],
        ['checking', 1000],
      ],
      [],
    ],
    [
      'each stage that takes long is told, once',
      [
        ['reading', 5000],
        ['sending', 6500],
        ['checking', 7000],
      ],
      [
        '2000 ...         The addresses are being read.',
        '6000 ...         The reply is awaited.',
        '12000 ...         The name servers are being asked which address they have.',
      ],
    ],
    ['nothing where nothing is known to be under way', [['done', 9000]], []],
    [
      'nothing after its own limit',
      [
        ['done', 24_500],
        ['sending', 20_000],
      ],
      [],
    ],
  ])('%s', async (_name, stages, expected) => {
    const { waits } = await outputOf(stages);

    expect(waits).toEqual(expected);
  });

  test.each([
    ['a pipe', { isTerminal: false }, 4],
    ['a program', { json: true }, 1],
  ])('%s gets the result alone', async (_name, options, lines) => {
    expect(await outputOf([['sending', 9000]], options)).toEqual({ waits: [], lines });
  });
});

describe('a hostname that is not there', () => {
  const broken = { severity: 'error', sentence: "The name 'two words' is none." };
  const home = { id: 'home', hostname: 'home.example.org' };

  test.each([
    ['and nothing else', [], [], "There is no hostname 'draft'. Known are: none."],
    ['beside another one', [home], [], "There is no hostname 'draft'. Known are: home."],
    [
      'for a mistake, beside another one',
      [home],
      [broken],
      `There is no hostname 'draft'. Known are: home. ${broken.sentence}`,
    ],
    ['for a mistake, as the only one', [], [broken], broken.sentence],
  ])('%s', async (_, hostnames, problems, expected) => {
    const errors: string[] = [];
    const context = {
      host: { writeErr: (text: string) => errors.push(text) },
      readConfiguration: async () => ({ ok: true, problems, config: { hostnames, agent: {} } }),
      words: ['draft'],
      options: new Map(),
    } as unknown as CommandContext;

    const status = await trace(context);

    expect({ status, errors }).toEqual({ status: 2, errors: [`holdfast: ${expected}\n`] });
  });
});
