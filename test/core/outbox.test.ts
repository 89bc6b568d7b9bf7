/** Telling people: once for each incident, once when it is over, in order, whatever happens on the way. */
import { describe, expect, test } from 'vitest';
import { openDraft } from '../../agent/core/draft.ts';
import type { ChannelState, Outbox } from '../../agent/core/message.ts';
import { applyNotified, decideNotices, forgiveChannels, tell } from '../../agent/core/outbox.ts';
import { agentState, NOW } from './agent-state.ts';
import {
  channelFailure,
  DAY_MS,
  HOOK,
  HOUR_MS,
  incident,
  MINUTE_MS,
  SCRIPT,
  SECOND_MS,
  storyOf,
  teller,
} from './outbox-state.ts';

const AWAY = channelFailure();

describe('a message', () => {
  test('goes out at once, to every channel', () => {
    const agent = teller([HOOK, SCRIPT]);

    agent.tell('opened', incident('zone'));

    expect(agent.sent).toEqual([
      { atMs: 0, channel: HOOK.id, message: expect.objectContaining({ kind: 'opened' }) },
      { atMs: 0, channel: SCRIPT.id, message: expect.objectContaining({ kind: 'opened' }) },
    ]);
  });

  test('names the hostnames and not their sections', () => {
    const agent = teller();

    agent.tell('opened', incident('zone', { hosts: ['home', 'gone'] }));

    expect(agent.sent[0]?.message.hostnames).toEqual(['home.example.org', 'gone']);
  });

  test('names one that is switched off by what is known of it, and a new one by its plan', () => {
    const state = agentState();
    const { home: host } = state.hosts;
    const { home: plan } = state.plan.hosts;
    if (!host || !plan) {
      throw new Error('the agent at rest has lost its hostname');
    }
    const fresh = { ...plan, id: 'fresh', hostname: 'fresh.example.org' };
    const draft = openDraft(
      {
        ...state,
        plan: { ...state.plan, channels: [HOOK], hosts: { home: plan, fresh } },
        hosts: { home: host, off: { ...host, hostname: 'off.example.org' } },
      },
      NOW,
    );

    tell(draft, 'opened', incident('zone', { hosts: ['off', 'fresh'] }));

    expect(draft.state.outbox.messages.map(({ hostnames }) => hostnames)).toEqual([
      ['off.example.org', 'fresh.example.org'],
    ]);
  });

  test('is forgotten once all have it', () => {
    const agent = teller([HOOK, SCRIPT]);

    agent.tell('opened', incident('zone'));
    agent.end(HOOK);
    const half = agent.state().outbox.messages.map(({ waiting }) => waiting);
    agent.end(SCRIPT);

    expect(half).toEqual([[SCRIPT.id]]);
    expect(agent.state().outbox.messages).toEqual([]);
    expect(agent.wakeMs()).toBeUndefined();
  });

  test('is for nobody where nobody wants to be told', () => {
    const agent = teller([]);

    agent.tell('opened', incident('zone'));

    expect(agent.state().outbox.messages).toEqual([]);
  });

  test('keeps little of a long list of evidence', () => {
    const agent = teller();

    agent.tell('opened', incident('zone', { evidence: new Array(500).fill('line') }));

    expect(agent.sent[0]?.message.incident.evidence).toHaveLength(20);
  });

  test('stays on its way until it has ended, whatever else happens', () => {
    const agent = teller();

    agent.tell('opened', incident('zone'));
    agent.lineUp();
    agent.plan([HOOK]);
    agent.wait(DAY_MS);

    expect(storyOf(agent)).toEqual(['zone opened']);
  });
});

describe('order', () => {
  test('the next one waits until the one before it is delivered', () => {
    const agent = teller();
    agent.tell('opened', incident('one'));
    agent.tell('opened', incident('two'));
    const before = storyOf(agent);

    agent.end(HOOK, AWAY);
    agent.wait(HOUR_MS);
    agent.end(HOOK);

    expect(before).toEqual(['one opened']);
    expect(storyOf(agent)).toEqual(['one opened', 'one opened', 'two opened']);
    const [first = 0, again, second = 0] = agent.sent.map(({ message }) => message.id);
    expect(again, 'the same message has the same number').toBe(first);
    expect(second, 'and a later one a larger').toBeGreaterThan(first);
  });

  test('a channel that hangs holds up no other', () => {
    const agent = teller([HOOK, SCRIPT]);
    agent.tell('opened', incident('one'));
    agent.end(SCRIPT);

    agent.tell('opened', incident('two'));

    expect(storyOf(agent, SCRIPT)).toEqual(['one opened', 'two opened']);
    expect(storyOf(agent, HOOK)).toEqual(['one opened']);
  });
});

describe('the all-clear', () => {
  test('follows an opening that was delivered', () => {
    const agent = teller();
    agent.tell('opened', incident('zone'));
    agent.end(HOOK);

    agent.tell('closed', incident('zone', { sentence: 'zone is over.' }));

    expect(storyOf(agent)).toEqual(['zone opened', 'zone closed']);
    expect(agent.sent[1]?.message.opening).toBeUndefined();
  });

  test('tells the whole story where the opening was never heard', () => {
    const agent = teller();
    agent.tell('opened', incident('zone'));
    agent.end(HOOK, AWAY);
    agent.tell('closed', incident('zone', { sentence: 'zone is over.' }));

    agent.wait(HOUR_MS);

    expect(storyOf(agent)).toEqual(['zone opened', 'zone closed']);
    expect(agent.sent[1]?.message).toMatchObject({
      opening: 'zone began.',
      incident: { sentence: 'zone is over.' },
    });
  });

  test('waits for an opening that is on its way', () => {
    const agent = teller();
    agent.tell('opened', incident('zone'));

    agent.tell('closed', incident('zone'));
    const before = storyOf(agent);
    agent.end(HOOK);

    expect(before).toEqual(['zone opened']);
    expect(storyOf(agent)).toEqual(['zone opened', 'zone closed']);
  });

  test('takes the place of an opening that was on its way in vain', () => {
    const agent = teller();
    agent.tell('opened', incident('zone'));
    agent.tell('closed', incident('zone'));

    agent.end(HOOK, AWAY);
    agent.wait(HOUR_MS);

    expect(storyOf(agent)).toEqual(['zone opened', 'zone closed']);
  });

  test('joins the opening for each channel by itself', () => {
    const agent = teller([HOOK, SCRIPT]);
    agent.tell('opened', incident('zone'));
    agent.end(SCRIPT);
    agent.end(HOOK, AWAY);

    agent.tell('closed', incident('zone'));
    agent.end(SCRIPT);
    agent.wait(HOUR_MS);
    agent.end(HOOK);

    expect(storyOf(agent, SCRIPT)).toEqual(['zone opened', 'zone closed']);
    expect(storyOf(agent, HOOK)).toEqual(['zone opened', 'zone closed']);
    expect(agent.state().outbox.messages).toEqual([]);
  });
});

describe('a channel that cannot be reached', () => {
  test('is tried again after 30 s, then twice as long each time, at most an hour', () => {
    const agent = teller();
    agent.tell('opened', incident('zone'));
    const waits: number[] = [];

    for (let tries = 0; tries < 10; tries++) {
      agent.end(HOOK, AWAY);
      const before = agent.nowMs();
      agent.wait((agent.wakeMs() ?? 0) - before);
      waits.push((agent.nowMs() - before) / SECOND_MS);
    }

    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
  });

  test.each([
    { random: 0, seconds: 15 },
    { random: 0.999, seconds: 44.97 },
  ])('after half to one and a half of that: $random', ({ random, seconds }) => {
    const agent = teller([HOOK], random);
    agent.tell('opened', incident('zone'));

    agent.end(HOOK, AWAY);

    expect((agent.wakeMs() ?? 0) / SECOND_MS).toBeCloseTo(seconds, 2);
  });

  test('is not tried before the time that it asks for', () => {
    const agent = teller();
    agent.tell('opened', incident('zone'));

    agent.end(HOOK, channelFailure({ kind: 'throttled', retryAfterMs: 2 * HOUR_MS }));
    agent.lineUp();
    agent.wait(2 * HOUR_MS - 1);
    const before = storyOf(agent);
    agent.wait(1);

    expect(before).toEqual(['zone opened']);
    expect(storyOf(agent)).toEqual(['zone opened', 'zone opened']);
  });

  test('is tried at once when a line comes up, and patiently from there', () => {
    const agent = teller();
    agent.tell('opened', incident('zone'));
    for (let tries = 0; tries < 8; tries++) {
      agent.end(HOOK, AWAY);
      agent.wait((agent.wakeMs() ?? 0) - agent.nowMs());
    }
    agent.end(HOOK, AWAY);
    const before = agent.sent.length;

    agent.lineUp();
    const atOnce = agent.sent.length - before;
    agent.end(HOOK, AWAY);

    expect(atOnce).toBe(1);
    expect((agent.wakeMs() ?? 0) - agent.nowMs()).toBe(MINUTE_MS);
  });

  test('is reported once until a message gets through', () => {
    const agent = teller();
    agent.tell('opened', incident('one'));
    for (const outcome of [AWAY, AWAY, undefined]) {
      agent.end(HOOK, outcome);
      agent.wait(HOUR_MS);
    }
    agent.tell('opened', incident('two'));
    agent.end(HOOK, AWAY);

    expect(agent.reports.map(({ level, code }) => `${level} ${code}`)).toEqual([
      'warning notify/DELAYED',
      'warning notify/DELAYED',
    ]);
    expect(agent.reports[0]?.sentence).toContain(HOOK.title);
  });

  test('loses a message after three days, and that is said; the next one has its own three days', () => {
    const agent = teller();
    agent.tell('opened', incident('one'));
    agent.end(HOOK, AWAY);
    agent.wait(2 * DAY_MS);
    agent.end(HOOK, AWAY);
    agent.tell('opened', incident('two'));
    for (let tries = 0; tries < 40; tries++) {
      agent.wait(HOUR_MS);
      agent.end(HOOK, AWAY);
    }

    expect(agent.reports.filter(({ code }) => code === 'notify/FAILED')).toEqual([
      { level: 'error', code: 'notify/FAILED', sentence: expect.stringContaining('example.org') },
    ]);
    expect(storyOf(agent).at(-1)).toBe('two opened');
    expect(agent.state().outbox.messages.map((one) => one.incident.id)).toEqual(['two']);
  });

  test('an answer to a message that is long forgotten changes nothing', () => {
    const agent = teller();
    agent.tell('opened', incident('one'));
    agent.plan([SCRIPT]);

    expect(agent.end(HOOK)).toBe(false);
    expect(storyOf(agent, SCRIPT)).toEqual(['one opened']);
  });
});

describe('room', () => {
  function full() {
    const agent = teller();
    agent.tell('opened', incident('first'));
    agent.end(HOOK, AWAY);
    for (let number = 1; number < 20; number++) {
      agent.tell('opened', incident(`zone${number}`));
    }
    return agent;
  }

  function kept(agent: ReturnType<typeof teller>): string[] {
    return agent.state().outbox.messages.map(({ kind, incident: { id } }) => `${id} ${kind}`);
  }

  test('for twenty messages', () => {
    expect(kept(full())).toHaveLength(20);
  });

  test('is made by what is over, not by what still lasts', () => {
    const agent = full();
    agent.tell('closed', incident('zone7'));
    agent.tell('closed', incident('zone5'));

    agent.tell('opened', incident('newest'));

    expect(kept(agent)).toHaveLength(20);
    expect(kept(agent)[0]).toBe('first opened');
    expect(kept(agent).at(-1)).toBe('newest opened');
    expect(kept(agent).join(), 'what was over first').not.toContain('zone7');
    expect(kept(agent)).toContain('zone5 closed');
  });

  test('else by the oldest, and that is said', () => {
    const agent = full();

    agent.tell('opened', incident('newest'));

    expect(kept(agent)).toHaveLength(20);
    expect(kept(agent)[0]).toBe('zone1 opened');
    expect(kept(agent).at(-1)).toBe('newest opened');
    expect(agent.reports.at(-1)?.code).toBe('notify/FAILED');
  });
});

describe('the process ends and starts again', () => {
  test('what waits is kept, with its wait', () => {
    const agent = teller();
    agent.tell('opened', incident('zone'));
    agent.end(HOOK, AWAY);

    agent.restart();
    agent.wait(29 * SECOND_MS);
    const before = storyOf(agent);
    agent.wait(SECOND_MS);

    expect(before).toEqual(['zone opened']);
    expect(storyOf(agent)).toEqual(['zone opened', 'zone opened']);
  });

  test('what was delivered is not sent again', () => {
    const agent = teller();
    agent.tell('opened', incident('zone'));
    agent.end(HOOK);

    agent.restart();
    agent.wait(DAY_MS);

    expect(storyOf(agent)).toEqual(['zone opened']);
  });

  test('what was on its way is sent again, for nobody knows whether it arrived', () => {
    const agent = teller();
    agent.tell('opened', incident('zone'));

    agent.restart();

    expect(storyOf(agent)).toEqual(['zone opened', 'zone opened']);
  });

  test('a reboot keeps the message but not its wait, and its age counts on', () => {
    const agent = teller();
    agent.tell('opened', incident('zone'));
    agent.end(HOOK, AWAY);
    agent.wait(DAY_MS);
    agent.end(HOOK, AWAY);

    agent.reboot(HOUR_MS);
    const afterBoot = storyOf(agent).length;
    const ages = agent.state().outbox.messages.map(({ queuedMs }) => queuedMs);

    expect(afterBoot).toBe(3);
    expect(ages).toEqual([expect.any(Number)]);
    expect(agent.nowMs() + 1_000_000 - (ages[0] ?? 0)).toBe(DAY_MS);
  });
});

describe('a new configuration', () => {
  test('what waited for an address that was corrected goes to the new one', () => {
    const corrected = { id: 'web ffff', title: 'other.example.org' };
    const agent = teller([HOOK, SCRIPT]);
    agent.tell('opened', incident('zone'));
    agent.end(SCRIPT);
    agent.end(HOOK, AWAY);

    agent.plan([corrected, SCRIPT]);

    expect(storyOf(agent, corrected)).toEqual(['zone opened']);
    expect(storyOf(agent, SCRIPT)).toEqual(['zone opened']);
  });

  test('a channel that is added gets only what comes from then on', () => {
    const agent = teller([HOOK]);
    agent.tell('opened', incident('zone'));
    agent.end(HOOK, AWAY);

    agent.plan([HOOK, SCRIPT]);
    agent.tell('opened', incident('later'));

    expect(storyOf(agent, SCRIPT)).toEqual(['later opened']);
  });

  test('a channel that is taken away takes its messages along', () => {
    const agent = teller([HOOK, SCRIPT]);
    agent.tell('opened', incident('zone'));
    agent.end(SCRIPT);

    agent.plan([SCRIPT]);

    expect(agent.state().outbox).toMatchObject({ messages: [], channels: { [SCRIPT.id]: {} } });
  });
});

describe('the end of a message', () => {
  const message = {
    ...{ id: 1, kind: 'opened' as const, incident: incident('zone'), hostnames: [] },
    ...{ queuedMs: NOW.ms, waiting: [HOOK.id, SCRIPT.id] },
  };
  const calm = { retry: { failures: 0, notBeforeMs: 0 } };
  const outbox: Outbox = {
    lastId: 1,
    messages: [message],
    channels: { [HOOK.id]: { ...calm, sending: 1 }, [SCRIPT.id]: { ...calm, sending: 1 } },
  };

  function draftOf(changes: Partial<Outbox> = {}) {
    const state = agentState();
    const plan = { ...state.plan, channels: [HOOK, SCRIPT] };
    return openDraft({ ...state, plan, outbox: { ...outbox, ...changes } }, NOW);
  }

  test.each([
    { name: 'of another one', channel: HOOK.id, id: 2 },
    { name: 'through a channel that is not there any more', channel: 'gone', id: 1 },
  ])('$name counts for nothing', ({ channel, id }) => {
    for (const failure of [undefined, AWAY]) {
      const draft = draftOf();

      applyNotified(draft, channel, id, failure);

      expect(draft.state.outbox).toEqual(outbox);
      expect(draft.commands).toEqual([]);
    }
  });

  test.each([HOOK, SCRIPT])('without success names the channel: $title', ({ id, title }) => {
    const draft = draftOf();

    applyNotified(draft, id, 1, AWAY);

    expect(draft.commands).toMatchObject([
      {
        type: 'report',
        report: {
          code: 'notify/DELAYED',
          sentence: expect.stringContaining(`could not be delivered to ${title};`),
        },
      },
    ]);
  });

  test('that is given up tells why', () => {
    const old = { ...message, waiting: [HOOK.id], queuedMs: NOW.ms - 4 * DAY_MS };
    const retry = { failures: 9, notBeforeMs: NOW.ms, failure: AWAY };
    const draft = draftOf({ messages: [old], channels: { [HOOK.id]: { retry }, [SCRIPT.id]: calm } });

    decideNotices(draft);

    expect(draft.commands).toMatchObject([
      {
        type: 'report',
        report: {
          code: 'notify/FAILED',
          sentence: `The message about example.org was given up. ${HOOK.title} could not be reached for three days. ${AWAY.sentence}`,
        },
      },
    ]);
  });

  test.each([
    { ageMs: 3 * DAY_MS, isSent: true },
    { ageMs: 3 * DAY_MS + 1, isSent: false },
  ])('comes after three days of trying: $ageMs ms', ({ ageMs, isSent }) => {
    const old = { ...message, queuedMs: NOW.ms - ageMs };
    const draft = draftOf({ messages: [old], channels: { [HOOK.id]: calm, [SCRIPT.id]: calm } });

    decideNotices(draft);

    expect(draft.commands.map(({ type }) => type)).toEqual(
      isSent ? ['notify', 'notify'] : ['report', 'report'],
    );
    expect(draft.state.outbox.messages).toHaveLength(isSent ? 1 : 0);
  });

  const FAILED = { failures: 1, notBeforeMs: NOW.ms + MINUTE_MS, failure: AWAY };

  test.each<{ name: string; channel: ChannelState; isForgiven: boolean }>([
    { name: 'that failed once', channel: { retry: FAILED }, isForgiven: true },
    { name: 'that failed often', channel: { retry: { ...FAILED, failures: 9 } }, isForgiven: true },
    { name: 'that is being tried', channel: { retry: FAILED, sending: 1 }, isForgiven: false },
    {
      name: 'whose other side demands it',
      channel: { retry: { ...FAILED, failure: channelFailure({ retryAfterMs: 1 }) } },
      isForgiven: false,
    },
    { name: 'that has not failed', channel: calm, isForgiven: false },
  ])('through a channel $name waits no longer with a new line: $isForgiven', ({ channel, isForgiven }) => {
    const draft = draftOf({ channels: { [HOOK.id]: channel } });

    forgiveChannels(draft);

    const { retry } = channel;
    expect(draft.state.outbox.channels[HOOK.id]).toEqual(
      isForgiven ? { retry: { ...retry, failures: 1, notBeforeMs: 0 } } : channel,
    );
  });
});
