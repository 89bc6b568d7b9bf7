/** Messages over real sockets: what waits while nobody listens arrives once somebody does, and only once. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../agent/config/load.ts';
import { channelPlansOf, channelsOf } from '../../agent/config/notify.ts';
import { planOf } from '../../agent/config/plan.ts';
import type { Report } from '../../agent/core/draft.ts';
import type { Message } from '../../agent/core/message.ts';
import { initialState, type SavedState, savedState } from '../../agent/core/state.ts';
import { startLoop } from '../../agent/engine/loop.ts';
import { deliver } from '../../agent/engine/notify.ts';
import { nodeHttp } from '../../agent/net/http.ts';
import { catalogue } from '../config/catalogue.ts';
import { noProcesses } from '../fakes/no-processes.ts';
import { virtualClock } from '../fakes/virtual-clock.ts';
import { startWebhook, type Webhook } from '../fakes/webhook.ts';

const PATIENCE = { timeout: 15_000, interval: 10 };
const HOUR_MS = 3_600_000;
const PASSWORD = 'p@ss-w0rd';

async function receiver(): Promise<Webhook> {
  const webhook = await startWebhook();
  onTestFinished(() => webhook.stop());
  return webhook;
}

function message(id: number, kind: Message['kind'] = 'opened'): Message {
  return {
    ...{ id, kind, hostnames: ['home.example.org'], queuedMs: 0, waiting: ['wanted'] },
    incident: {
      ...{
        id: `zone:example.org ${id}`,
        code: 'delegation/CHANGED',
        subject: 'example.org',
        hosts: ['home'],
      },
      ...{ sentence: 'It is elsewhere.', evidence: [], mustAct: false, openedWallMs: Date.UTC(2026, 0, 1) },
    },
  };
}

/** The loop with real HTTP under virtual time. The messages wait for whatever channels there are. */
function agentFor(notify: string) {
  const clock = virtualClock(1000);
  const reports: Report[] = [];
  const log: string[] = [];
  const http = nodeHttp((_, line) => log.push(line));
  const text = `config agent\n\tlist notify '${notify}'\n`;
  const { config } = loadConfig(text, 'holdfast', catalogue, () => undefined);
  const channels = channelsOf(config.agent, 'salt').filter(({ type }) => type === 'web');
  const empty = initialState(undefined, 0);
  let loop = start({ ...savedState(empty), outbox: waitingFor([message(1), message(2)]) });
  onTestFinished(() => {
    loop.stop();
    http.idle();
  });

  function waitingFor(messages: Message[]) {
    const wanted = channels.map(({ id }) => id);
    return {
      lastId: messages.length,
      messages: messages.map((one) => ({ ...one, waiting: wanted })),
      channels: {},
    };
  }

  function start(saved: SavedState) {
    const made = startLoop(
      {
        clock,
        random: () => 0.5,
        source: () => {
          throw new Error('no source here');
        },
        update: () => Promise.reject(new Error('no update here')),
        verify: () => Promise.reject(new Error('no check here')),
        notify: (command) =>
          deliver(
            {
              ...{ http, processes: noProcesses, channels: () => channels, version: '1.2.3' },
              ...{ routerName: async () => 'OpenWrt', redact: (foreign) => foreign },
            },
            command,
          ),
        onStep: (_, fresh) => reports.push(...fresh),
        onDefect(cause) {
          throw cause;
        },
      },
      JSON.parse(JSON.stringify(saved)),
    );
    made.dispatch({
      type: 'planned',
      plan: { ...planOf(config, 'salt'), channels: channelPlansOf(channels) },
    });
    return made;
  }

  return {
    clock,
    reports,
    log,
    waiting: () => loop.state().outbox.messages.length,
    sending: () => Object.values(loop.state().outbox.channels).some(({ sending }) => sending !== undefined),
    saved: () => JSON.stringify(savedState(loop.state())),
    restart() {
      const saved = savedState(loop.state());
      loop.stop();
      loop = start(saved);
    },
  };
}

function incidentsOf({ posted }: Webhook): unknown[] {
  return posted.map(({ body }) => (body as { incident: string }).incident);
}

describe('a receiver that was away', () => {
  test('gets what waited, each message once and in order', async () => {
    const webhook = await receiver();
    await webhook.stop();
    const agent = agentFor(`http://127.0.0.1:${webhook.port}/in`);
    await vi.waitFor(() => expect(agent.reports).toHaveLength(1), PATIENCE);

    await webhook.start();
    await agent.clock.advance(60_000);
    await vi.waitFor(() => expect(agent.waiting()).toBe(0), PATIENCE);
    await agent.clock.advance(100 * HOUR_MS);

    expect(incidentsOf(webhook)).toEqual(['zone:example.org 1', 'zone:example.org 2']);
    expect(agent.reports.map(({ code }) => code)).toEqual(['notify/DELAYED']);
  });

  test('gets it after a restart of the agent, too, and not again', async () => {
    const webhook = await receiver();
    await webhook.stop();
    const agent = agentFor(`http://127.0.0.1:${webhook.port}/in`);
    await vi.waitFor(() => expect(agent.reports).toHaveLength(1), PATIENCE);

    agent.restart();
    await webhook.start();
    await agent.clock.advance(60_000);
    await vi.waitFor(() => expect(agent.waiting()).toBe(0), PATIENCE);
    agent.restart();
    await agent.clock.advance(HOUR_MS);

    expect(incidentsOf(webhook)).toEqual(['zone:example.org 1', 'zone:example.org 2']);
  });
});

test('a receiver with a fault is asked again, and has the message when it says so', async () => {
  const webhook = await receiver();
  webhook.answer(503, 404);
  const agent = agentFor(`http://127.0.0.1:${webhook.port}/in`);

  for (const count of [1, 2, 3]) {
    await vi.waitFor(() => expect(webhook.posted.length).toBeGreaterThanOrEqual(count), PATIENCE);
    await vi.waitFor(() => expect(agent.sending()).toBe(false), PATIENCE);
    await agent.clock.advance(HOUR_MS);
  }
  await vi.waitFor(() => expect(agent.waiting()).toBe(0), PATIENCE);

  expect(incidentsOf(webhook)).toEqual([
    ...['zone:example.org 1', 'zone:example.org 1', 'zone:example.org 1'],
    'zone:example.org 2',
  ]);
});

test('user name and password travel in the header and stand nowhere else', async () => {
  const webhook = await receiver();
  const agent = agentFor(`http://user:${encodeURIComponent(PASSWORD)}@127.0.0.1:${webhook.port}/in`);

  await vi.waitFor(() => expect(agent.waiting()).toBe(0), PATIENCE);

  const token = Buffer.from(`user:${PASSWORD}`).toString('base64');
  expect(webhook.posted.map(({ headers }) => headers.authorization)).toEqual(
    new Array(2).fill(`Basic ${token}`),
  );
  const elsewhere = [
    ...webhook.posted.map(({ path, body }) => `${path} ${JSON.stringify(body)}`),
    ...[...agent.log, agent.saved(), JSON.stringify(agent.reports)],
  ].join('\n');
  expect(elsewhere).not.toContain(PASSWORD);
  expect(elsewhere).not.toContain(encodeURIComponent(PASSWORD));
  expect(elsewhere).not.toContain(token);
});

test('a Gotify token leaves the URL for a header', async () => {
  const webhook = await receiver();
  const agent = agentFor(`gotify+http://127.0.0.1:${webhook.port}/?token=AbC.123`);

  await vi.waitFor(() => expect(agent.waiting()).toBe(0), PATIENCE);

  expect(webhook.posted[0]).toMatchObject({
    path: '/message',
    headers: { 'x-gotify-key': 'AbC.123' },
    body: { title: 'Trouble: example.org', priority: 5 },
  });
});

test('an ntfy topic gets JSON at the root', async () => {
  const webhook = await receiver();
  const agent = agentFor(`ntfy+http://127.0.0.1:${webhook.port}/my-topic`);

  await vi.waitFor(() => expect(agent.waiting()).toBe(0), PATIENCE);

  expect(webhook.posted[0]).toMatchObject({
    path: '/',
    headers: { 'content-type': 'application/json' },
    body: { topic: 'my-topic', title: 'Trouble: example.org' },
  });
});
