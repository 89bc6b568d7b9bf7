/** The words of the command line: what is understood, and what is said where it is not. */
import { describe, expect, test } from 'vitest';
import { runCommandLine } from '../../agent/cli/cli.ts';
import type { Host } from '../../agent/ports.ts';
import { statusSample } from './status-sample.ts';

const NO_PROVIDERS = JSON.stringify({ providers: [], schema: {} });

/** What a command line prints and how it ends, on a host that has these files and nothing else. */
async function outcomeOf(argv: string[], files: Record<string, string> = {}) {
  let stdout = '';
  let stderr = '';
  const host = {
    ...{ argv, env: {}, isTerminal: false, runtime: 'a runtime', programFolder: '/none', pid: 1 },
    readText: async (path: string) => (path.endsWith('/catalogue.json') ? NO_PROVIDERS : files[path]),
    listFolder: async () => [],
    isAlive: (pid: number) => pid === 77,
    writeOut: (text: string) => {
      stdout += text;
    },
    writeErr: (text: string) => {
      stderr += text;
    },
  } as unknown as Host;
  const status = await runCommandLine(host, {
    version: '1.2.3',
    startAgent: () => Promise.reject(new Error('No agent is started here.')),
  });
  return { status, stdout, stderr };
}

describe('misuse ends with status 2 and a sentence on standard error that says what is wrong', () => {
  test.each([
    { argv: [], says: 'A command is missing.' },
    { argv: ['fly'], says: "There is no command 'fly'." },
    { argv: ['help', 'fly'], says: "There is no command 'fly'." },
    { argv: ['status', '--yaml'], says: 'Option --yaml is not known.' },
    { argv: ['status', '--toString'], says: 'Option --toString is not known.' },
    { argv: ['status', '--yaml=all'], says: 'Option --yaml is not known.' },
    { argv: ['status', '-x'], says: 'Option -x is not known.' },
    { argv: ['status', '--json=1'], says: 'Option --json takes no value.' },
    { argv: ['run', '--force'], says: "Option --force does not belong to the command 'run'." },
    { argv: ['check-config', '-c'], says: 'Option -c needs a value: -c FILE.' },
    { argv: ['check-config', '--config'], says: 'Option --config needs a value: --config FILE.' },
    { argv: ['check-config', '--config='], says: 'Option --config needs a value: --config FILE.' },
    { argv: ['check-config', '--config', ''], says: 'Option --config needs a value: --config FILE.' },
    { argv: ['providers', '--check'], says: 'Option --check needs a value: --check FILE.' },
    { argv: ['import-ddns', '--from'], says: 'Option --from needs a value: --from FILE.' },
    { argv: ['trace'], says: 'HOST is missing: holdfast trace HOST [--force] [--progress FILE].' },
    { argv: ['trace', 'a', 'b'], says: "'b' is too much: holdfast trace HOST [--force] [--progress FILE]." },
    { argv: ['status', 'home'], says: "'home' is too much: holdfast status [--prometheus]." },
  ])('$argv', async ({ argv, says }) => {
    const outcome = await outcomeOf(argv);

    expect(outcome).toEqual({ status: 2, stdout: '', stderr: `holdfast: ${says} See holdfast --help.\n` });
  });
});

test.each([
  [['--config', '/etc/mine', 'check-config']],
  [['check-config', '--config=/etc/mine']],
  [['check-config', '-c', '/etc/mine']],
  [['check-config', '-c', '/etc/other', '--config', '/etc/mine']],
  [['check-config', '--config', '/etc/other', '-c', '/etc/mine']],
])('%j reads the file that is named last', async (argv) => {
  const { stderr } = await outcomeOf(argv);

  expect(stderr).toMatch(/^holdfast: \/etc\/mine does not exist\. /);
});

test('a value may hold an equals sign, and may follow one with every option', async () => {
  const { stdout } = await outcomeOf(['providers', '--check=/tmp/a=b.json']);

  expect(stdout).toMatch(/^\/tmp\/a=b\.json: /);
});

test.each([
  [['help', 'providers']],
  [['providers', '--help']],
  [['--help', 'providers']],
  [['providers', 'word', '-h']],
])('%j is the help of that command, with its own options', async (argv) => {
  const { status, stdout, stderr } = await outcomeOf(argv);

  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^Usage: holdfast providers \[WORD\] \[--check FILE\]\n\nList .*; --check finds /);
});

test.each([[['--help']], [['-h']], [['help']]])('%j fits a terminal of 80 columns', async (argv) => {
  const { status, stdout } = await outcomeOf(argv);
  const lines = stdout.split('\n');

  expect(status).toBe(0);
  expect(lines.filter((line) => line.startsWith('  ')).length).toBeGreaterThan(12);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

test.each([
  ["config agent 'agent'\n\toption resync '5'\n", '1 error, 1 warning.'],
  ["config agent 'agent'\n\toption resync '5'\n\toption mode 'x'\n", '2 errors, 1 warning.'],
  ['', '0 errors, 1 warning.'],
])('mistakes are counted as people count: %j', async (text, counts) => {
  const { stdout } = await outcomeOf(['check-config', '-c', '/etc/mine'], { '/etc/mine': text });

  expect(stdout.trim().split('\n').at(-1)).toBe(`${counts} Hostnames kept up to date: none.`);
});

test('a mistake in the copy that the service reads is shown in the file that people edit', async () => {
  const copy = '/var/etc/holdfast/holdfast';
  const { stdout } = await outcomeOf(['check-config', '-c', copy], { [copy]: 'option x 1\n' });

  expect(stdout).toMatch(/^\/etc\/config\/holdfast:1: error: /);
});

describe('status', () => {
  const SAMPLE = statusSample();
  /** In its jail the agent is process 1, and procd has written that it is 77. */
  const FILES = {
    '/var/run/holdfast/status.json': JSON.stringify({
      ...SAMPLE,
      agent: { ...SAMPLE.agent, pid: 1 },
      wans: ['network', 'script'].map((source) => ({ ...SAMPLE.wans[0], name: 'wan', source })),
    }),
    '/var/run/holdfast.run.pid': '77\n',
    '/proc/77/cmdline': '/usr/bin/node\0/usr/lib/holdfast/holdfast.cjs\0run\0',
  };

  test('names the process that a signal would have to go to, for people and for programs', async () => {
    const text = await outcomeOf(['status'], FILES);
    const json = await outcomeOf(['status', '--json'], FILES);

    expect([text.status, json.status]).toEqual([0, 0]);
    expect(text.stdout).toMatch(/^holdfast [^\n]*, process 77, since /);
    expect(JSON.parse(json.stdout).agent.pid).toBe(77);
  });

  test('has an interface once that two sources show', async () => {
    const { stdout } = await outcomeOf(['status'], FILES);

    expect(stdout.split('\n').filter((line) => line.startsWith('wan: '))).toHaveLength(1);
  });
});
