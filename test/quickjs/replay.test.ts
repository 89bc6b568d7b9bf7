/**
 * The first half hour of 2014, as the agent on QuickJS has it. The three days take minutes, so they are played by
 * hand: `npm run demo -- --replay 2014 --runtime quickjs`, whose findings must hold as they do on Node.
 */
import { expect, inject, onTestFinished, test } from 'vitest';
import { HANDOVER_MS, HISTORY, ZONES } from '../demo/history.ts';
import { HOME, playReplay, STANDBY } from '../demo/replay.ts';

/** Many times what it takes: the machine may be busy. */
const PATIENCE_MS = 600_000;
const ENDS_MS = HANDOVER_MS + 30 * 60_000;

test('2014: each zone has its alarm, the alias moves, and no update is sent for it', {
  timeout: PATIENCE_MS,
}, async () => {
  const played = await playReplay(
    HISTORY.filter(({ atMs }) => atMs < ENDS_MS),
    {
      bundle: inject('bundle').replace(/cjs$/, 'mjs'),
      endsMs: ENDS_MS,
      onClose: (close) => onTestFinished(close),
    },
  );

  expect(inject('runtime')).toBe('quickjs');
  expect(played.incidents.map(({ subject }) => subject).sort()).toEqual([...ZONES].sort());
  expect(played.incidents.filter(({ closedAt }) => closedAt !== undefined)).toEqual([]);
  expect(played.incidents.map(({ openedAt }) => Date.parse(openedAt) >= HANDOVER_MS)).not.toContain(false);
  expect(played.aliasTargets.map(({ target }) => target)).toEqual([HOME, STANDBY]);
  expect(played.standbyUnproven).toEqual([]);
  expect(played.requests).toEqual({ family: 1, standby: 1 });
  expect(played.refused).toEqual([]);
});
