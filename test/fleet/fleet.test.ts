/** The simulation itself: what it counts is right, and what it says of the policy holds for a small fleet too. */
import { describe, expect, test } from 'vitest';
import { holdfast } from './holdfast.ts';
import { PEERS } from './peers.ts';
import { scenariosOf } from './scenarios.ts';
import { type Clients, play, type Scenario, type World } from './world.ts';

const CLIENTS = 2_000;
const CALM: Scenario = {
  title: 'calm',
  clients: CLIENTS,
  endMs: 100_000,
  changes: { fromMs: 0, toMs: 50_000 },
  countFromMs: 0,
  capacityPerSec: 1_000,
  rejectionCost: 0.2,
};

/** Sends once and never again. */
function once(world: World): Clients {
  return {
    name: 'once',
    changed: (client, nowMs) => world.send(client, nowMs),
    woken() {},
    replied() {},
  };
}

test('a provider with room for all confirms each at once', () => {
  const result = play(CALM, once, () => {});

  expect(result).toMatchObject({ requests: CLIENTS, rejected: 0 });
  expect(result.confirmedSec[100]).toBeGreaterThan(49);
  expect(result.confirmedSec[100]).toBeLessThan(51);
  expect(result.load.reduce((sum, one) => sum + one, 0)).toBe(CLIENTS);
});

test('an overloaded provider turns away what it cannot carry out', () => {
  const result = play({ ...CALM, capacityPerSec: 10 }, once, () => {});

  expect(result.rejected).toBeGreaterThan(CLIENTS / 2);
  expect(result.confirmedSec[99]).toBeUndefined();
});

test('nobody gets through in an outage', () => {
  const result = play({ ...CALM, outage: { fromMs: 0, toMs: 100_000 } }, once, () => {});

  expect(result).toMatchObject({ rejected: CLIENTS, confirmedSec: { 50: undefined } });
});

// Fewer would come to the provider in lumps that a million do not make.
const many = 20_000;
const [outage, , rush] = scenariosOf(many);

describe('after an outage of an hour', () => {
  const ours = outage && play(outage, holdfast(many), () => {});

  test('all agents are confirmed', () => {
    expect(ours?.confirmedSec[100]).toBeLessThan(7_200);
  });

  test.each(PEERS.map((peer) => [peer]))('sooner than others, and with fewer requests', (peer) => {
    const theirs = outage && play(outage, peer(many), () => {});

    expect(ours?.requests).toBeLessThan(theirs?.requests ?? 0);
    expect(ours?.confirmedSec[99] ?? Number.POSITIVE_INFINITY).toBeLessThan(
      theirs?.confirmedSec[99] ?? Number.POSITIVE_INFINITY,
    );
  });
});

describe('when an ISP renumbers more lines at once than the provider can bear', () => {
  const ours = rush && play(rush, holdfast(many), () => {});

  test('nobody who was turned away comes back before the rush is over', () => {
    const changesPerSec = rush ? (many * 1000) / (rush.changes.toMs - rush.changes.fromMs) : 0;

    expect(ours?.rejected).toBeGreaterThan(0);
    // Not more than one of them shares its second with a neighbour.
    expect(ours?.peakPerSec).toBeLessThanOrEqual(Math.ceil(changesPerSec) + 1);
  });

  test.each(PEERS.map((peer) => [peer]))('a lower peak than that of others, and all sooner', (peer) => {
    const theirs = rush && play(rush, peer(many), () => {});

    expect(ours?.peakPerSec).toBeLessThan(theirs?.peakPerSec ?? 0);
    expect(ours?.confirmedSec[99] ?? Number.POSITIVE_INFINITY).toBeLessThan(
      theirs?.confirmedSec[99] ?? Number.POSITIVE_INFINITY,
    );
  });
});
