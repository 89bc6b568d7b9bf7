import { describe, expect, test } from 'vitest';
import { createLog, type LogHost } from '../../agent/cli/log.ts';

const MOUNTED = '114 113 0:46 /log /dev/log rw,relatime - tmpfs tmpfs rw\n';
/** As Linux shows it in a jail after logd has made its socket anew. */
const CUT_OFF = '114 113 0:46 /log//deleted /dev/log rw,relatime - tmpfs tmpfs rw\n';

/** A router whose programs end with these statuses, 0 unless given. */
function router(mounts: string | undefined, statuses: Record<string, number> = {}) {
  const commands: string[] = [];
  let errors = '';
  const host: LogHost = {
    isTerminal: false,
    env: {},
    async run(argv) {
      commands.push(argv.join(' '));
      return { status: statuses[argv[0] ?? ''] ?? 0, stdout: '', stderr: '' };
    },
    async readText(path) {
      return path === '/proc/self/mountinfo' ? mounts : undefined;
    },
    writeErr(text) {
      errors += text;
    },
  };
  const log = createLog(host, () => 'debug', true);
  return { log, commands, errors: () => errors };
}

describe('the system log', () => {
  test.each([
    { name: 'in a jail', mounts: MOUNTED },
    { name: 'without a jail', mounts: '20 1 0:18 / /proc rw - proc proc rw\n' },
    { name: 'where the mounts cannot be read', mounts: undefined },
  ])('by logger with the right priority $name', async ({ mounts }) => {
    const { log, commands } = router(mounts);

    log('debug', 'one');
    log('warning', 'two');
    log('error', 'three');
    await log.flush();

    expect(commands).toEqual([
      'logger -t holdfast -p daemon.debug -- one',
      'logger -t holdfast -p daemon.warning -- two',
      'logger -t holdfast -p daemon.err -- three',
    ]);
  });

  test.each([
    ['debug', 31],
    ['info', 30],
    ['notice', 29],
    ['warning', 28],
    ['error', 27],
  ] as const)('by ubus where the socket in the jail leads nowhere: %s is %d', async (level, number) => {
    const { log, commands, errors } = router(CUT_OFF);

    log(level, 'The "name"\nworks.');
    await log.flush();

    const event = `<${number}>Jan  1 00:00:00 holdfast: The "name" works.`;
    expect(commands).toEqual([`ubus -t 5 call log write ${JSON.stringify({ event })}`]);
    expect(errors()).toBe('');
  });

  test.each([
    { mounts: MOUNTED, program: 'logger' },
    { mounts: CUT_OFF, program: 'ubus' },
  ])('by way of standard error where $program fails', async ({ mounts, program }) => {
    const { log, errors } = router(mounts, { [program]: 4 });

    log('warning', 'Attention.');
    await log.flush();

    expect(errors()).toBe('warning: Attention.\n');
  });
});
