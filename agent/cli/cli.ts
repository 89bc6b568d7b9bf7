/** The command line: which command, with which options; usage errors are status 2. */
import { loadConfig } from '../config/load.ts';
import { sectionFacts } from '../config/validate.generated.js';
import type { Host } from '../ports.ts';
import { loadCatalogue } from '../providers/catalogue.ts';
import { type CommandContext, EXIT } from './command.ts';
import { DEFAULT_CONFIG_FILE, readConfiguration } from './configuration.ts';
import { once } from './once.ts';
import { run } from './run.ts';
import type { TOOLS } from './tools.ts';

interface CommandFacts {
  /** Positional words, for the usage line; `[X]` is optional. */
  words: string;
  summary: string;
  /** Options of its own, with the word for their value; empty for those without one. */
  options?: Record<string, string>;
  run(context: CommandContext): Promise<number>;
}

const COMMANDS: Record<string, CommandFacts> = {
  run: { words: '', summary: 'Stay in memory, watch the WAN, keep every hostname up to date', run },
  once: { words: '', summary: 'Do what is due now, then end', run: once },
  status: { words: '', summary: 'Show what the running agent knows', run: tool('status') },
  update: {
    words: '[HOST]',
    summary: 'Ask the running agent for an update now; lifts a block',
    run: tool('update'),
  },
  'check-config': {
    words: '',
    summary: 'Show every mistake in the configuration',
    run: tool('check-config'),
  },
  trace: { words: 'HOST', summary: 'Make one attempt and show each step of it', run: tool('trace') },
  providers: {
    words: '[WORD]',
    summary:
      'List the providers, or those that contain WORD; --check finds the mistakes in a file of your own',
    options: { '--check': 'FILE' },
    run: tool('providers'),
  },
  'import-ddns': {
    words: '',
    summary:
      'Show what ddns-scripts does and how it would be done here; --apply changes over, --undo goes back',
    options: { '--from': 'FILE', '--apply': '', '--undo': '' },
    run: importDdns,
  },
  version: { words: '', summary: 'Show the version', run: version },
};

/** The values of `option source` in this version. */
const SOURCES = sectionFacts.hostname.options.source?.enum ?? [];

const OWN_OPTIONS: Record<string, string> = Object.assign(
  {},
  ...Object.values(COMMANDS).map(({ options }) => options),
);

export async function runCommandLine(
  host: Host,
  parts: Pick<CommandContext, 'version' | 'startAgent'>,
): Promise<number> {
  let configFile = DEFAULT_CONFIG_FILE;
  let json = false;
  let syslog = false;
  let help = false;
  const words: string[] = [];
  const own = new Map<string, string>();
  const rest = [...host.argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--json') {
      json = true;
    } else if (word === '--syslog') {
      syslog = true;
    } else if (word === '--help' || word === '-h') {
      help = true;
    } else if (word === '--config' || word === '-c') {
      configFile = rest.shift() ?? '';
    } else if (word.startsWith('--config=')) {
      configFile = word.slice('--config='.length);
    } else if (Object.hasOwn(OWN_OPTIONS, word)) {
      own.set(word, OWN_OPTIONS[word] === '' ? '' : (rest.shift() ?? ''));
    } else if (word.startsWith('-')) {
      return misused(host, `Option ${word} is not known.`);
    } else {
      words.push(word);
    }
  }
  const name = words.shift() ?? (help ? 'help' : undefined);
  if (name === 'help') {
    host.writeOut(overview());
    return EXIT.ok;
  }
  if (name === undefined) {
    return misused(host, 'A command is missing.');
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    return misused(host, `There is no command '${name}'.`);
  }
  const foreign = [...own.keys()].find((option) => !Object.hasOwn(command.options ?? {}, option));
  if (foreign !== undefined) {
    return misused(host, `Option ${foreign} does not belong to the command '${name}'.`);
  }
  if (help) {
    host.writeOut(`Usage: holdfast ${usageOf(name, command)}\n\n${command.summary}.\n\n${OPTIONS}`);
    return EXIT.ok;
  }
  const most = command.words === '' ? 0 : 1;
  const least = command.words !== '' && !command.words.startsWith('[') ? 1 : 0;
  if (words.length > most || words.length < least || configFile === '') {
    return misused(host, `Usage: holdfast ${usageOf(name, command)}`);
  }
  return command.run({
    host,
    ...parts,
    configFile,
    readConfiguration: () => readConfiguration(host, configFile),
    json,
    syslog,
    words,
    options: own,
  });
}

function usageOf(name: string, { words, options = {} }: CommandFacts): string {
  const own = Object.entries(options).map(([option, value]) => `[${`${option} ${value}`.trim()}]`);
  return [name, words, ...own].filter((part) => part !== '').join(' ');
}

const OPTIONS = `Options:
  -c, --config FILE  configuration (default ${DEFAULT_CONFIG_FILE})
      --json         output for programs
      --syslog       log through logger(1), not on standard error
  -h, --help         this text, or the text of one command
`;

function overview(): string {
  const lines = Object.entries(COMMANDS).map(
    ([name, { words, summary }]) => `  ${`${name} ${words}`.padEnd(20)} ${summary}\n`,
  );
  return `Holdfast keeps the router's name on the Internet.

Usage: holdfast COMMAND [OPTIONS]

${lines.join('')}
${OPTIONS}
Exit status: 0 ok, 1 failed, 2 wrong usage or configuration, 3 the agent is not running.
`;
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
  const { catalogue } = await loadCatalogue(context.host, context.host.programFolder);
  return importFromDdns(context, { catalogue, loadConfig, sources: SOURCES });
}

async function version({ host, version: number, json }: CommandContext): Promise<number> {
  const { runtime } = host;
  host.writeOut(
    json ? `${JSON.stringify({ version: number, runtime })}\n` : `holdfast ${number} (${runtime})\n`,
  );
  return EXIT.ok;
}
