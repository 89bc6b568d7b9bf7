/** What `holdfast --help` says; a part of the commands for people. */
import { type CommandName, DEFAULT_CONFIG_FILE } from './command.ts';

const SUMMARIES: Record<CommandName, string> = {
  run: 'Stay in memory, watch the WAN, keep every hostname up to date',
  once: 'Do what is due now, then end',
  status: 'Show what the running agent knows; --prometheus for monitoring',
  update: 'Ask the running agent for an update now; lifts a block',
  check: 'Ask the DNS now; sends nothing to a provider',
  'check-config': 'Show every mistake in the configuration',
  trace:
    'Make one attempt and show each step of it; --force sends what is confirmed already, --progress keeps the steps so far in a file',
  'notify-test': 'Send a test message to everybody who is told of incidents',
  providers:
    'List the providers, or those that contain WORD; --check finds the mistakes in a file of your own',
  'import-ddns':
    'Show what ddns-scripts does and how it would be done here; --apply changes over, --undo goes back',
  version: 'Show the version',
};

const OPTIONS = `Options:
  -c, --config FILE  configuration (default ${DEFAULT_CONFIG_FILE})
      --json         output for programs
      --syslog       log through logger(1), not on standard error
  -h, --help         this text, or the text of one command
  -V, --version      the version
`;

export function overview(words: Record<CommandName, { words: string }>): string {
  const lines = Object.entries(SUMMARIES).map(([name, summary]) => {
    // What its own options do stands in the help of the command.
    const [short] = summary.split('; --');
    return `  ${`${name} ${words[name as CommandName].words}`.padEnd(16)} ${short}\n`;
  });
  return `Holdfast keeps the router's name on the Internet.

Usage: holdfast COMMAND [OPTIONS]

${lines.join('')}
${OPTIONS}
Exit status: 0 ok, 1 failed, 2 wrong usage or configuration, 3 not running.
`;
}

export function ofCommand(name: CommandName, usage: string): string {
  return `Usage: holdfast ${usage}\n\n${SUMMARIES[name]}.\n\n${OPTIONS}`;
}
