/** The command line: which command, with which options; usage errors are status 2. */
import type { Host } from '../ports.ts';
import { type CommandContext, type CommandName, DEFAULT_CONFIG_FILE, EXIT } from './command.ts';
import { readConfiguration } from './reading.ts';
import { run } from './run.ts';
import type { TOOLS } from './tools.ts';

interface CommandFacts {
  /** Positional words, for the usage line; `[X]` is optional. */
  words: string;
  /** Options of its own, with the word for their value; empty for those without one. */
  options?: Record<string, string>;
  run(context: CommandContext): Promise<number>;
}

/** What each does is said in `help.ts`. */
const COMMANDS: Record<CommandName, CommandFacts> = {
  run: { words: '', run },
  once: { words: '', run: tool('once') },
  status: { words: '', options: { '--prometheus': '' }, run: tool('status') },
  update: { words: '[HOST]', run: tool('update') },
  check: { words: '[HOST]', run: tool('check') },
  'check-config': { words: '', run: tool('check-config') },
  trace: { words: 'HOST', options: { '--force': '', '--progress': 'FILE' }, run: tool('trace') },
  'notify-test': { words: '', run: tool('notify-test') },
  providers: { words: '[WORD]', options: { '--check': 'FILE' }, run: tool('providers') },
  'import-ddns': { words: '', options: { '--from': 'FILE', '--apply': '', '--undo': '' }, run: importDdns },
  version: { words: '', run: version },
};

const OWN_OPTIONS: Record<string, string> = Object.assign(
  {},
  ...Object.values(COMMANDS).map(({ options }) => options),
);

/** Every option, with the word for its value. */
const OPTIONS: Record<string, string> = {
  ...{ '--json': '', '--syslog': '', '--help': '', '-h': '', '--version': '', '-V': '' },
  ...{ '--config': 'FILE', '-c': 'FILE' },
  ...OWN_OPTIONS,
};

export async function runCommandLine(
  host: Host,
  parts: Pick<CommandContext, 'version' | 'startAgent'>,
): Promise<number> {
  const words: string[] = [];
  const given = new Map<string, string>();
  const rest = [...host.argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('-')) {
      words.push(word);
      continue;
    }
    const [option = '', ...behind] = word.startsWith('--') ? word.split('=') : [word];
    const wanted = Object.hasOwn(OPTIONS, option) ? OPTIONS[option] : undefined;
    if (wanted === undefined) {
      return misused(host, `Option ${option} is not known.`);
    }
    if (wanted === '' && behind.length > 0) {
      return misused(host, `Option ${option} takes no value.`);
    }
    const value = wanted === '' ? '' : behind.length > 0 ? behind.join('=') : rest.shift();
    if (wanted !== '' && !value) {
      return misused(host, `Option ${option} needs a value: ${option} ${wanted}.`);
    }
    given.set(option === '-c' ? '--config' : option, value ?? '');
  }
  const own = new Map([...given].filter(([option]) => Object.hasOwn(OWN_OPTIONS, option)));
  const configFile = given.get('--config') ?? DEFAULT_CONFIG_FILE;
  const isHelpWord = words[0] === 'help' && words.length > 1;
  const help = isHelpWord || given.has('--help') || given.has('-h');
  if (isHelpWord) {
    words.shift();
  }
  if (given.has('--version') || given.has('-V')) {
    words.splice(0, words.length, 'version');
  }
  const name = words.shift() ?? (help ? 'help' : undefined);
  if (name === 'help') {
    host.writeOut((await import('./tools.ts')).HELP.overview(COMMANDS));
    return EXIT.ok;
  }
  if (name === undefined) {
    return misused(host, 'A command is missing.');
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name as CommandName] : undefined;
  if (!command) {
    return misused(host, `There is no command '${name}'.`);
  }
  const foreign = [...own.keys()].find((option) => !Object.hasOwn(command.options ?? {}, option));
  if (foreign !== undefined) {
    return misused(host, `Option ${foreign} does not belong to the command '${name}'.`);
  }
  if (help) {
    host.writeOut((await import('./tools.ts')).HELP.ofCommand(name as CommandName, usageOf(name, command)));
    return EXIT.ok;
  }
  const most = command.words === '' ? 0 : 1;
  if (words.length > most) {
    return misused(host, `'${words[most]}' is too much: holdfast ${usageOf(name, command)}.`);
  }
  if (words.length === 0 && most === 1 && !command.words.startsWith('[')) {
    return misused(host, `${command.words} is missing: holdfast ${usageOf(name, command)}.`);
  }
  return command.run({
    host,
    ...parts,
    configFile,
    readConfiguration: () => readConfiguration(host, configFile),
    json: given.has('--json'),
    syslog: given.has('--syslog'),
    words,
    options: own,
  });
}

function usageOf(name: string, { words, options = {} }: CommandFacts): string {
  const own = Object.entries(options).map(([option, value]) => `[${`${option} ${value}`.trim()}]`);
  return [name, words, ...own].filter((part) => part !== '').join(' ');
}

function misused(host: Host, sentence: string): number {
  host.writeErr(`holdfast: ${sentence} See holdfast --help.\n`);
  return EXIT.usage;
}

/** What people type is loaded when they type it. */
function tool(name: keyof typeof TOOLS): CommandFacts['run'] {
  return async (context) => (await import('./tools.ts')).TOOLS[name](context);
}

/** Loaded only when it is asked for: it runs once in the life of a router. */
async function importDdns(context: CommandContext): Promise<number> {
  const { importFromDdns } = await import('./import-ddns.ts');
  const { importParts } = await import('./configuration.ts');
  return importFromDdns(context, await importParts(context.host));
}

async function version({ host, version: number, json }: CommandContext): Promise<number> {
  const { runtime } = host;
  host.writeOut(
    json ? `${JSON.stringify({ version: number, runtime })}\n` : `holdfast ${number} (${runtime})\n`,
  );
  return EXIT.ok;
}
