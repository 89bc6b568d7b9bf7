/** One message to one channel: what each of them gets, and what their answers mean. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import type { Message } from '../../agent/core/message.ts';
import {
  deliver,
  deliverTo,
  type Notification,
  type NotifyChannel,
  notificationOf,
  UBUS_EVENT,
} from '../../agent/engine/notify.ts';
import type { HttpRequest, HttpResult, Processes, RunResult } from '../../agent/ports.ts';
import { noProcesses } from '../fakes/no-processes.ts';

const validate = new Ajv2020({ strict: true }).compile(
  JSON.parse(readFileSync(new URL('../../schemas/notification.schema.json', import.meta.url), 'utf8')),
);

const OPENED: Message = {
  id: 1,
  kind: 'opened',
  incident: {
    id: 'zone:ddns.example 1404129600',
    code: 'delegation/CHANGED',
    subject: 'ddns.example',
    hosts: ['home'],
    sentence: 'The zone above sends people elsewhere. You need not do anything.',
    evidence: ['a.parent.example (192.0.2.1): NS ns1.taker.example (NOERROR, udp)'],
    mustAct: false,
    openedWallMs: Date.UTC(2026, 5, 30, 14, 5),
  },
  hostnames: ['home.ddns.example'],
  queuedMs: 0,
  waiting: [],
};

function message(changes: Partial<Message> = {}, incident: Partial<Message['incident']> = {}): Message {
  return { ...OPENED, ...changes, incident: { ...OPENED.incident, ...incident } };
}

const CLOSED = message(
  { kind: 'closed' },
  { sentence: 'All is as before.', closedWallMs: Date.UTC(2026, 6, 2, 16, 0) },
);

function web(
  style: 'webhook' | 'ntfy' | 'gotify',
  url: string,
  login?: { username: string; password: string },
) {
  const address = {
    ...{ style, url, server: 'hooks.example.org' },
    ...(login && { login: { scheme: 'basic' as const, ...login } }),
  };
  return { id: 'web', title: 'hooks.example.org', type: 'web', address } satisfies NotifyChannel;
}

const HOOK = web('webhook', 'https://hooks.example.org/in?key=1');

function reply(status: number, headers: Record<string, string> = {}): HttpResult {
  return { kind: 'reply', reply: { status, headers, body: '<html>secret', truncated: false } };
}

/** Sends it and shows the request. */
async function posted(channel: NotifyChannel, what: Message, result = reply(200)) {
  const requests: HttpRequest[] = [];
  const failure = await deliver(
    {
      http: {
        async request(request) {
          requests.push(request);
          return result;
        },
        idle() {},
      },
      processes: noProcesses,
      channels: () => [channel],
      version: '1.2.3',
      routerName: async () => 'OpenWrt\n',
      redact: (text) => text,
    },
    { channel: channel.id, message: what },
  );
  return { failure, request: requests[0], body: JSON.parse(requests[0]?.body ?? 'null') };
}

async function ran(channel: NotifyChannel, result: Partial<RunResult> = {}, redact = (text: string) => text) {
  const runs: {
    argv: readonly string[];
    env: Readonly<Record<string, string>> | undefined;
    timeoutMs: number;
  }[] = [];
  const processes: Processes = {
    ...noProcesses,
    async run(argv, timeoutMs, env) {
      runs.push({ argv, env, timeoutMs });
      return { status: 0, stdout: '', stderr: '', ...result };
    },
  };
  const http = { request: () => Promise.reject(new Error('no HTTP here')), idle() {} };
  const failure = await deliver(
    {
      ...{ http, processes, channels: () => [channel], version: '1.2.3' },
      ...{ routerName: async () => undefined, redact },
    },
    { channel: channel.id, message: OPENED },
  );
  return { failure, run: runs[0] };
}

describe('a webhook', () => {
  test('gets the document of an incident that began', async () => {
    const { failure, request, body } = await posted(HOOK, OPENED);

    expect(failure).toBeUndefined();
    expect(request).toMatchObject({
      method: 'POST',
      url: 'https://hooks.example.org/in?key=1',
      headers: { 'content-type': 'application/json', 'user-agent': 'Holdfast/1.2.3' },
      redirects: 'refuse',
    });
    expect(request?.authorization).toBeUndefined();
    expect(body).toEqual({
      version: 1,
      kind: 'opened',
      incident: 'zone:ddns.example 1404129600',
      code: 'delegation/CHANGED',
      subject: 'ddns.example',
      hostnames: ['home.ddns.example'],
      sentence: 'The zone above sends people elsewhere. You need not do anything.',
      evidence: ['a.parent.example (192.0.2.1): NS ns1.taker.example (NOERROR, udp)'],
      mustAct: false,
      openedAt: '2026-06-30T14:05:00.000Z',
      router: 'OpenWrt',
      agentVersion: '1.2.3',
      title: 'Trouble: ddns.example',
      message:
        'The zone above sends people elsewhere. You need not do anything.\nHostnames: home.ddns.example.',
      priority: 5,
    });
  });

  test.each<{ name: string; what: Message; expected: Partial<Notification> }>([
    {
      name: 'asks to act where somebody must',
      what: message({}, { mustAct: true }),
      expected: { title: 'Please act: ddns.example', priority: 8, mustAct: true },
    },
    {
      name: 'does not name the hostname twice',
      what: message({ hostnames: ['home.example.org'] }, { subject: 'home.example.org' }),
      expected: { message: OPENED.incident.sentence },
    },
    {
      name: 'says when it was over',
      what: CLOSED,
      expected: {
        title: 'All clear: ddns.example',
        closedAt: '2026-07-02T16:00:00.000Z',
        message: 'All is as before.\nHostnames: home.ddns.example.',
        priority: 4,
      },
    },
    {
      name: 'is no all-clear where nobody looks any more',
      what: message(
        { kind: 'closed' },
        { closedWallMs: CLOSED.incident.closedWallMs ?? 0, sentence: 'It is not checked.', unresolved: true },
      ),
      expected: { title: 'No longer followed: ddns.example', unresolved: true, priority: 4 },
    },
    {
      name: 'names an account as people do',
      what: message({}, { subject: 'noip', title: 'No-IP (noip)' }),
      expected: { title: 'Trouble: No-IP (noip)', subject: 'noip' },
    },
    {
      name: 'tells the whole story at the end',
      what: { ...CLOSED, opening: 'It was gone.' },
      expected: {
        opening: 'It was gone.',
        message: 'All is as before.\nWhat had happened: It was gone.\nHostnames: home.ddns.example.',
      },
    },
    {
      name: 'cuts a text that is too long for a phone',
      what: message({}, { sentence: 'ä'.repeat(5000) }),
      expected: { message: `${'ä'.repeat(1299)}…` },
    },
  ])('$name', async ({ what, expected }) => {
    const { body } = await posted(HOOK, what);

    expect(body).toMatchObject(expected);
  });

  const unresolved = message({ kind: 'closed' }, { ...CLOSED.incident, unresolved: true });

  test.each([
    ...[OPENED, CLOSED, unresolved, { ...CLOSED, opening: 'It was gone.' }, message({}, { mustAct: true })],
  ])('always gets what the schema says: $kind', async (what) => {
    const { body } = await posted(HOOK, what);

    expect(validate(body), JSON.stringify(validate.errors)).toBe(true);
  });

  test('can be a Gotify server as it stands, whose own fields mean something else', async () => {
    const { body } = await posted(HOOK, OPENED);

    expect(Object.keys(body)).toEqual(expect.arrayContaining(['title', 'message', 'priority']));
    expect(['id', 'appid', 'date', 'extras'].filter((name) => name in body)).toEqual([]);
  });

  test('gets user name and password in the header', async () => {
    const login = { username: 'u', password: 'secret' };

    const { request } = await posted(web('webhook', 'https://hooks.example.org/', login), OPENED);

    expect(request?.authorization).toEqual({ scheme: 'basic', ...login });
  });

  test('does without the name of a router that has none', async () => {
    const notification = await notificationOf(
      { version: '1', routerName: () => Promise.reject(new Error('EACCES')) },
      OPENED,
    );

    expect('router' in notification).toBe(false);
  });
});

describe('ntfy', () => {
  test.each([
    { name: 'trouble', what: OPENED, priority: 3, tags: ['warning'] },
    { name: 'something to do', what: message({}, { mustAct: true }), priority: 4, tags: ['warning'] },
    { name: 'the all-clear', what: CLOSED, priority: 3, tags: ['white_check_mark'] },
    {
      ...{ name: 'an end that is none', priority: 3, tags: ['grey_question'] },
      what: message({ kind: 'closed' }, { ...CLOSED.incident, unresolved: true }),
    },
  ])('gets JSON at its root, with the topic: $name', async ({ what, priority, tags }) => {
    const login = { username: '', password: 'tk_secret' };

    const { request, body } = await posted(web('ntfy', 'https://ntfy.example.org/my-topic', login), what);

    expect(request).toMatchObject({
      url: 'https://ntfy.example.org/',
      authorization: { scheme: 'basic', ...login },
    });
    expect(body).toEqual({
      topic: 'my-topic',
      title: expect.stringContaining('ddns.example'),
      message: expect.stringContaining(what.incident.sentence),
      priority,
      tags,
    });
  });
});

describe('Gotify', () => {
  test.each([
    ['https://gotify.example.org/?token=A.b', 'https://gotify.example.org/message'],
    ['https://gotify.example.org/message?token=A.b', 'https://gotify.example.org/message'],
    ['https://example.org/gotify/?x=1&token=A.b', 'https://example.org/gotify/message'],
    ['https://example.org/gotify/message/?token=A.b', 'https://example.org/gotify/message'],
  ])('gets its own fields, and the token in a header: %s', async (given, url) => {
    const { request, body } = await posted(web('gotify', given), OPENED);

    expect(request).toMatchObject({
      url,
      authorization: { scheme: 'header', name: 'X-Gotify-Key', value: 'A.b' },
    });
    expect(body).toEqual({
      title: 'Trouble: ddns.example',
      message: expect.stringContaining('home.ddns.example'),
      priority: 5,
    });
  });
});

describe('an answer', () => {
  test.each([200, 201, 202, 204])('%s: delivered', async (status) => {
    const { failure } = await posted(HOOK, OPENED, reply(status));

    expect(failure).toBeUndefined();
  });

  test.each<[string, HttpResult, object]>([
    ['a redirect', reply(301), { kind: 'refused', code: 'notify/MOVED' }],
    ['bad request', reply(400), { kind: 'refused', code: 'notify/REFUSED' }],
    ['no login', reply(401), { kind: 'credential', code: 'notify/DENIED' }],
    ['forbidden', reply(403), { kind: 'credential', code: 'notify/DENIED' }],
    ['not found', reply(404), { kind: 'refused', code: 'notify/REFUSED' }],
    ['too many', reply(429), { kind: 'throttled', code: 'notify/THROTTLED' }],
    [
      'too many, with a time',
      reply(429, { 'retry-after': '120' }),
      { code: 'notify/THROTTLED', retryAfterMs: 120_000 },
    ],
    ['too many, for a year', reply(429, { 'retry-after': '9999999' }), { retryAfterMs: 86_400_000 }],
    ['a fault', reply(500), { kind: 'busy', code: 'notify/BUSY' }],
    ['a fault, with a time', reply(503, { 'retry-after': '60' }), { retryAfterMs: 60_000 }],
  ])('%s', async (_, result, expected) => {
    const { failure } = await posted(HOOK, OPENED, result);

    expect(failure).toMatchObject({ scope: 'attempt', ...expected });
  });

  test.each(['Wed, 21 Oct 2026 07:28:00 GMT', '-5', '1e9', '99999999999', ''])(
    'asks for no time that is not in seconds: %s',
    async (text) => {
      const { failure } = await posted(HOOK, OPENED, reply(503, { 'retry-after': text }));

      expect(failure).toMatchObject({ code: 'notify/BUSY' });
      expect(failure).not.toHaveProperty('retryAfterMs');
    },
  );

  test('of a stranger is never repeated', async () => {
    const { failure } = await posted(HOOK, OPENED, reply(500));

    expect(JSON.stringify(failure)).not.toContain('secret');
    expect(failure?.sentence).toContain('hooks.example.org');
    expect(failure?.sentence).not.toContain('key=1');
  });

  test.each([
    ['unconfirmed', 'http/NO_REPLY', 'so the update may', 'message may or may not'],
    ['refused', 'http/BAD_REQUEST', 'correct the account', 'option notify'],
  ] as const)('that never came speaks of a message: %s', async (kind, code, was, is) => {
    const failed: HttpResult = { kind: 'failed', failure: { kind, scope: 'attempt', code, sentence: was } };

    const { failure } = await posted(HOOK, OPENED, failed);

    expect(failure).toMatchObject({ kind, code, sentence: expect.stringContaining(is) });
  });

  test('of a connection that failed says why in its own words', async () => {
    const sentence = 'hooks.example.org:443 refused the connection.';
    const failed = { kind: 'unreachable', scope: 'attempt', code: 'http/REFUSED', sentence } as const;

    const { failure } = await posted(HOOK, OPENED, { kind: 'failed', failure: failed });

    expect(failure).toEqual(failed);
  });
});

describe('a program', () => {
  const SCRIPT: NotifyChannel = { id: 'script', title: '/etc/tell', type: 'script', path: '/etc/tell' };

  test('gets kind, code, subject and sentence, and the whole document in its environment', async () => {
    const { failure, run } = await ran(SCRIPT);

    expect(failure).toBeUndefined();
    expect(run?.argv).toEqual([
      ...['/etc/tell', 'opened', 'delegation/CHANGED', 'ddns.example'],
      'The zone above sends people elsewhere. You need not do anything.',
    ]);
    expect(run?.timeoutMs).toBe(60_000);
    expect(Object.keys(run?.env ?? {})).toEqual(['HOLDFAST_EVENT']);
    expect(validate(JSON.parse(run?.env?.HOLDFAST_EVENT ?? 'null'))).toBe(true);
  });

  test.each([
    { name: 'says no', result: { status: 1, stderr: 'no mail today\nsecond line' }, said: 'no mail today' },
    { name: 'says nothing', result: { status: 7 }, said: 'status 7' },
    {
      name: 'is not there',
      result: { status: -1, stderr: 'cannot start /etc/tell: ENOENT' },
      said: 'ENOENT',
    },
    { name: 'hangs', result: { status: -1 }, said: 'within a minute' },
  ])('that $name', async ({ result, said }) => {
    const { failure } = await ran(SCRIPT, result);

    expect(failure).toMatchObject({ code: 'notify/SCRIPT', sentence: expect.stringContaining(said) });
    expect(failure?.sentence).not.toContain('second line');
  });

  test('that repeats a secret is not believed', async () => {
    const result = { status: 1, stderr: 'wrong: secret' };

    const { failure } = await ran(SCRIPT, result, (text) => text.replaceAll('secret', '***'));

    expect(failure?.sentence).toContain('wrong: ***');
  });
});

describe('ubus', () => {
  const UBUS: NotifyChannel = { id: 'ubus', title: 'ubus', type: 'ubus' };

  test('gets an event with the document', async () => {
    const { failure, run } = await ran(UBUS);

    expect(failure).toBeUndefined();
    expect(run?.argv.slice(0, 3)).toEqual(['ubus', 'send', 'holdfast.incident']);
    expect(validate(JSON.parse(run?.argv[3] ?? 'null'))).toBe(true);
  });

  test.each([
    { name: 'is no part of a plain Linux', result: { status: -1, stderr: 'cannot start ubus: ENOENT' } },
    { name: 'is no part of a plain Linux, for QuickJS', result: { status: 127 } },
  ])('$name, and nobody misses it', async ({ result }) => {
    const { failure } = await ran(UBUS, result);

    expect(failure).toBeUndefined();
  });

  test.each([
    { status: 6, stderr: 'Command failed: Permission denied\n', hint: 'acl.d' },
    { status: 255, stderr: 'Failed to connect to ubus\n', hint: 'logread' },
    { status: -1, stderr: '', hint: 'logread' },
  ])('that fails with $status says what to do', async ({ hint, ...result }) => {
    const { failure } = await ran(UBUS, result);

    expect(failure).toMatchObject({ code: 'notify/UBUS', sentence: expect.stringContaining(hint) });
  });

  test('lets the agent send this event and no other', () => {
    const file = new URL('../../firmware-glue/holdfast/files/holdfast.acl.json', import.meta.url);

    expect(JSON.parse(readFileSync(file, 'utf8')).send).toEqual([UBUS_EVENT]);
  });

  test('says so to somebody who asks where it is', async () => {
    const processes = { ...noProcesses, run: async () => ({ status: 127, stdout: '', stderr: '' }) };
    const http = { request: () => Promise.reject(new Error('no HTTP here')), idle() {} };
    const parts = { version: '1', routerName: async () => undefined };

    const failure = await deliverTo(
      { http, processes, redact: (text) => text },
      UBUS,
      await notificationOf(parts, OPENED),
    );

    expect(failure?.code).toBe('notify/NO_UBUS');
  });
});

test('a channel that a reload took away gets nothing and is no failure', async () => {
  const { failure, request } = await posted({ ...HOOK, id: 'other' }, OPENED);
  const gone = await deliver(
    {
      http: { request: () => Promise.reject(new Error('no HTTP here')), idle() {} },
      ...{ processes: noProcesses, channels: () => [], version: '1' },
      ...{ routerName: async () => undefined, redact: (text: string) => text },
    },
    { channel: 'web', message: OPENED },
  );

  expect([failure, request?.method, gone]).toEqual([undefined, 'POST', undefined]);
});
