/** The built agent with nothing to do: a small router's processor can sleep as well, and its memory is for others. */
import { expect, inject, onTestFinished, test } from 'vitest';
import { loopbackConfig, manyAccounts, PATIENT, startLoopbackRouter, untilTrue } from '../bench/loopback.ts';
import { memoryOf, wakeUpsOf } from '../bench/processes.ts';
import { createMade, pause } from '../demo/cleanup.ts';
import { startService } from '../service/service.ts';

/** Until its work of the start is done, and the second that proves `sleep` is over. */
const CALM_MS = 12_000;
const IDLE_MS = 25_000;
/** A busy machine may wake it. */
const WINDOWS = 5;
const PATIENCE_MS = 60_000;
/** In so long QuickJS would have looked up twice. */
const MOST_WAKE_UPS = 1;
/** Written by itself: 1 MB. It is 980; a page more or less is the system's business. */
const MOST_OWN_KIB = 1024;

test('the idle agent is not woken and stays small', {
  timeout: 2 * PATIENCE_MS + 2 * WINDOWS * IDLE_MS,
}, async () => {
  const made = createMade();
  onTestFinished(made.undoAll);
  const service = await startService({ accounts: manyAccounts(1, 1), temper: PATIENT });
  made.onUndo(() => service.close());
  const address = '203.0.113.1';
  const config = loopbackConfig(service, { log_level: 'error', verify: '0' });
  const router = startLoopbackRouter(made, { command: inject('command'), flags: [], config, address });
  await untilTrue(
    () => service.values('h0.ddns.example', 'A')[0] === address || router.hasEnded(),
    () => `it was never published: ${router.complaint()}`,
    PATIENCE_MS,
  );

  await pause(CALM_MS);
  const wakeUps: number[] = [];
  do {
    const before = wakeUpsOf([router.pid]);
    await pause(IDLE_MS);
    wakeUps.push(wakeUpsOf([router.pid]) - before);
  } while (wakeUps.length < WINDOWS && Math.min(...wakeUps) > MOST_WAKE_UPS);

  expect(inject('runtime')).toBe('quickjs');
  expect(Math.min(...wakeUps)).toBeLessThanOrEqual(MOST_WAKE_UPS);
  expect(memoryOf(router.pid).privateDirtyKib).toBeLessThan(MOST_OWN_KIB);
  expect(router.hasEnded()).toBe(false);
  await router.end();
});
