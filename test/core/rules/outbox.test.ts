/** Telling people, as properties of whole lives: nobody hears a thing twice, nothing is lost, nothing grows. */
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { ChannelPlan } from '../../../agent/core/plan.ts';
import {
  channelFailure,
  DAY_MS,
  HOOK,
  HOUR_MS,
  incident,
  MINUTE_MS,
  SCRIPT,
  SECOND_MS,
  type Teller,
  teller,
} from '../outbox-state.ts';

vi.setConfig({ testTimeout: 60_000 });

const RUNS = 1500;
const CHANNELS = [HOOK, SCRIPT];
/** With an all-clear each they fit into the outbox. */
const INCIDENTS = 9;

type Op =
  | { does: 'toggle'; incident: number }
  | { does: 'end'; channel: number; works: boolean }
  | { does: 'wait'; ms: number }
  | { does: 'line-up' }
  | { does: 'restart' }
  | { does: 'reboot'; offMs: number };

function ops(incidents: number, longestMs: number) {
  return fc.array(
    fc.oneof<fc.Arbitrary<Op>[]>(
      fc.record({ does: fc.constant('toggle'), incident: fc.nat(incidents - 1) }),
      fc.record({ does: fc.constant('end'), channel: fc.nat(1), works: fc.boolean() }),
      fc.record({ does: fc.constant('wait'), ms: fc.nat(longestMs) }),
      fc.constant({ does: 'line-up' }),
      fc.constant({ does: 'restart' }),
      fc.record({ does: fc.constant('reboot'), offMs: fc.nat(longestMs) }),
    ),
    { maxLength: 60 },
  );
}

interface Life {
  agent: Teller;
  /** `INCIDENT KIND` that a channel has taken, in order. */
  heard: Record<string, string[]>;
  /** `INCIDENT KIND` in the order in which it happened. */
  happened: string[];
  most: number;
}

/** Each incident opens and closes once, as the checks have it. */
function live(story: readonly Op[], random: number): Life {
  const agent = teller(CHANNELS, random);
  const life: Life = { agent, heard: { [HOOK.id]: [], [SCRIPT.id]: [] }, happened: [], most: 0 };
  const ages: number[] = [];
  for (const op of story) {
    switch (op.does) {
      case 'toggle': {
        const age = ages[op.incident] ?? 0;
        const kind = (['opened', 'closed'] as const)[age];
        if (kind) {
          ages[op.incident] = age + 1;
          life.happened.push(`zone${op.incident} ${kind}`);
          agent.tell(kind, incident(`zone${op.incident}`));
        }
        break;
      }
      case 'end':
        end(life, CHANNELS[op.channel] ?? HOOK, op.works);
        break;
      case 'wait':
        agent.wait(op.ms);
        break;
      case 'line-up':
        agent.lineUp();
        break;
      case 'restart':
        agent.restart();
        break;
      case 'reboot':
        agent.reboot(op.offMs);
        break;
    }
    life.most = Math.max(life.most, agent.state().outbox.messages.length);
  }
  return life;
}

function end({ agent, heard }: Life, channel: ChannelPlan, works: boolean): void {
  const sending = agent.state().outbox.channels[channel.id]?.sending;
  const message = agent.sent.findLast((one) => one.message.id === sending)?.message;
  if (agent.end(channel, works ? undefined : channelFailure()) && works && message) {
    heard[channel.id]?.push(`${message.incident.id} ${message.kind}`);
  }
}

/** From now on everybody can be reached. */
function heal(life: Life): void {
  for (let turn = 0; turn < 60; turn++) {
    life.agent.wait(2 * HOUR_MS);
    for (const channel of CHANNELS) {
      end(life, channel, true);
    }
  }
}

const jitter = fc.double({ min: 0, max: 0.999, noNaN: true });

describe('telling people', () => {
  // Mutations tried: a delivered message stays in the queue; the saved state forgets what was delivered -> fail.
  test('nobody hears the same message twice', () => {
    fc.assert(
      fc.property(ops(30, DAY_MS), jitter, (story, random) => {
        const life = live(story, random);

        heal(life);

        for (const heard of Object.values(life.heard)) {
          expect(heard).toEqual([...new Set(heard)]);
        }
      }),
      { numRuns: RUNS },
    );
  });

  // Mutations tried: the latest message goes first; a failed message goes to the end of the queue -> fail.
  test('everybody hears in the order in which it happened', () => {
    fc.assert(
      fc.property(ops(30, DAY_MS), jitter, (story, random) => {
        const life = live(story, random);

        heal(life);

        for (const heard of Object.values(life.heard)) {
          const places = heard.map((one) => life.happened.indexOf(one));
          expect(places).toEqual([...places].sort((a, b) => a - b));
        }
      }),
      { numRuns: RUNS },
    );
  });

  // Mutations tried: a restart empties the outbox; a failure drops the message; an opening on its way is dropped by
  // the all-clear and not replaced -> fail.
  test('everybody hears at last how each incident ended, however long he was away', () => {
    fc.assert(
      fc.property(ops(INCIDENTS, HOUR_MS), jitter, (story, random) => {
        const life = live(story, random);

        heal(life);

        const last = new Map(life.happened.map((one) => [one.split(' ')[0], one]));
        for (const heard of Object.values(life.heard)) {
          expect(heard).toEqual(expect.arrayContaining([...last.values()]));
        }
        expect(life.agent.state().outbox.messages).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  // Mutation tried: the opening is kept beside its all-clear -> fails.
  test('an opening that nobody had heard when it was over is not told by itself', () => {
    fc.assert(
      fc.property(ops(INCIDENTS, HOUR_MS), jitter, (story, random) => {
        const life = live(story, random);
        const { sent } = life.agent;
        // What was on its way at the restart may be repeated.
        life.agent.restart();
        const before = sent.length;
        const over = new Set(
          life.happened.filter((one) => one.endsWith('closed')).map((one) => one.split(' ')[0]),
        );

        heal(life);

        const openings = sent.slice(before).filter(({ message }) => message.kind === 'opened');
        expect(openings.filter(({ message }) => over.has(message.incident.id))).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  // Mutation tried: no limit -> fails.
  test('the outbox never holds more than twenty messages', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ does: fc.constant('toggle' as const), incident: fc.nat(80) }), {
          minLength: 30,
          maxLength: 150,
        }),
        fc.infiniteStream(fc.boolean()),
        (story, coins) => {
          const mixed = story.flatMap((op): Op[] => [
            op,
            { does: 'end', channel: 0, works: coins.next().value === true },
          ]);

          const life = live(mixed, 0.5);

          expect(life.most).toBeLessThanOrEqual(20);
        },
      ),
      { numRuns: RUNS / 5 },
    );
  });

  // Mutation tried: the wait is not kept over a failure -> fails.
  test('a channel that fails is never tried in a stream', () => {
    fc.assert(
      fc.property(jitter, fc.nat(INCIDENTS), (random, count) => {
        const agent = teller([HOOK], random);
        for (let number = 0; number <= count; number++) {
          agent.tell('opened', incident(`zone${number}`));
        }

        for (let minute = 0; minute < 24 * 60; minute++) {
          agent.end(HOOK, channelFailure());
          agent.wait(MINUTE_MS);
        }

        const gaps = agent.sent.slice(1).map(({ atMs }, index) => atMs - (agent.sent[index]?.atMs ?? 0));
        expect(Math.min(...gaps)).toBeGreaterThanOrEqual(15 * SECOND_MS);
        expect(agent.sent.length).toBeLessThan(70);
      }),
      { numRuns: 100 },
    );
  });
});
