/** Without a jail nobody ends what a killed agent was holding, so the next agent does. */
import { expect, inject, test } from 'vitest';
import {
  accountSection,
  agentSection,
  descendantsOf,
  hostSection,
  makeRouter,
  makeService,
  processesOf,
  readQuietly,
  until,
} from './agent-process.ts';

/** Does not end with its reader, as the real one of a quiet line. */
const UBUS = `#!/bin/sh
case "$1" in
  call) exec cat "$HOLDFAST_UBUS_DIR/dump.json" ;;
  *) exec sleep 100000 ;;
esac
`;
/** QuickJS waits by a program, too, and sends by one. */
const HELD =
  inject('runtime') === 'quickjs'
    ? [/^sleep 100000$/, /^sleep 100000$/, /^sleep \d{3}$/, /^curl /]
    : [/^sleep 100000$/, /^sleep 100000$/];

test('what a killed agent has left is ended, and what another agent holds is not', async () => {
  const service = await makeService();
  // A request that stays.
  await service.levers.cutOff('hang');
  const [killed, other] = [makeRouter({ ubus: UBUS }), makeRouter({ ubus: UBUS })];
  for (const router of [killed, other]) {
    router.moveTo('203.0.113.1');
    router.configure(
      agentSection(service, { verify: '0', log_level: 'error' }) +
        accountSection(service, 'demo') +
        hostSection('home', 'home.ddns.example', 'demo'),
    );
  }
  const [first, second] = [await killed.boot(), await other.boot()];
  await holding(first.pid);
  const before = await holding(second.pid);

  first.signal('KILL');
  await until('the end of the agent', () => commandOf(first.pid) === '');
  const third = await killed.boot();
  await holding(third.pid);
  await until('the end of what it held', () => {
    const mine = [third.pid, ...descendantsOf(third.pid)];
    const left = processesOf(killed.folder).filter((pid) => !mine.includes(pid));
    return left.length === 0 || left.map(commandOf).join('; ');
  });

  const after = descendantsOf(second.pid);
  expect(before.filter((pid) => !after.includes(pid)).map(commandOf)).toEqual([]);
});

/** Its children, once all that it holds is there. */
function holding(agent: number): Promise<number[]> {
  return until(`the held programs of ${agent}`, () => {
    const children = descendantsOf(agent);
    const commands = children.map(commandOf);
    const missing = HELD.filter(
      (held) =>
        commands.filter((one) => held.test(one)).length < HELD.filter((one) => `${one}` === `${held}`).length,
    );
    return missing.length === 0 ? children : commands.join('; ');
  });
}

/** Empty for a process that has ended. */
function commandOf(pid: number): string {
  return readQuietly(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}
