/** The command line: which command, with which options; usage errors are status 2. */
import type { Host } from '../ports.ts';
import { checkConfig } from './check-config.ts';
import { type CommandContext, EXIT } from './command.ts';
import { DEFAULT_CONFIG_FILE } from './configuration.ts';
import { once } from './once.ts';
import { providers } from './providers.ts';
import { run } from './run.ts';
import { showStatus } from './status.ts';
import { trace } from './trace.ts';
import { update } from './update.ts';

interface CommandFacts {
  /** Positional words, for the usage line; `[X]` is optional. */
  words: string;
  summary: string;
  run(context: CommandContext): Promise<number>;
}

const COMMANDS: Record<string, CommandFacts> = {
  run: { words: '', summary: 'Stay in memory, watch the WAN, keep every hostname up to date', run },
  once: { words: '', summary: 'Do what is due now, then end', run: once },
  status: { words: '', summary: 'Show what the running agent knows', run: showStatus },
  update: { words: '[HOST]', summary: 'Ask the running agent for an update now; lifts a block', run: update },
  'check-config': { words: '', summary: 'Show every mistake in the configuration', run: checkConfig },
  trace: { words: 'HOST', summary: 'Make one attempt and show each step of it', run: trace },
  providers: { words: '[WORD]', summary: 'List the providers, or those that contain WORD', run: providers },
  version: { words: '', summary: 'Show the version', run: version },
};

export async function runCommandLine(
  host: Host,
  parts: Pick<CommandContext, 'version' | 'startAgent'>,
): Promise<number> {
  let configFile = DEFAULT_CONFIG_FILE;
  let json = false;
  let help = false;
  const words: string[] = [];
  const rest = [...host.argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--json') {
      json = true;
    } else if (word === '--help' || word === '-h') {
      help = true;
    } else if (word === '--config' || word === '-c') {
      configFile = rest.shift() ?? '';
    } else if (word.startsWith('--config=')) {
      configFile = word.slice('--config='.length);
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
  if (help) {
    host.writeOut(`Usage: holdfast ${name} ${command.words}\n\n${command.summary}.\n\n${OPTIONS}`);
    return EXIT.ok;
  }
  const most = command.words === '' ? 0 : 1;
  const least = command.words !== '' && !command.words.startsWith('[') ? 1 : 0;
  if (words.length > most || words.length < least || configFile === '') {
    return misused(host, `Usage: holdfast ${name} ${command.words}`.trim());
  }
  return command.run({ host, ...parts, configFile, json, words });
}

const OPTIONS = `Options:
  -c, --config FILE  configuration (default ${DEFAULT_CONFIG_FILE})
      --json         output for programs
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

async function version({ host, version: number, json }: CommandContext): Promise<number> {
  const { runtime } = host;
  host.writeOut(
    json ? `${JSON.stringify({ version: number, runtime })}\n` : `holdfast ${number} (${runtime})\n`,
  );
  return EXIT.ok;
}
