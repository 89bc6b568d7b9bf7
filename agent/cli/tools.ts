/** The commands for people; a file of its own in the package, which the resident agent never loads. */
import { checkConfig } from './check-config.ts';
import type { CommandContext } from './command.ts';
import { ofCommand, overview } from './help.ts';
import { notifyTest } from './notify-test.ts';
import { once } from './once.ts';
import { providers } from './providers.ts';
import { showStatus } from './status.ts';
import { trace } from './trace.ts';
import { check, update } from './update.ts';

export const TOOLS = {
  once,
  status: showStatus,
  update,
  check,
  'check-config': checkConfig,
  trace,
  'notify-test': notifyTest,
  providers,
} satisfies Record<string, (context: CommandContext) => Promise<number>>;

export const HELP = { overview, ofCommand };
