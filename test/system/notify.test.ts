/** Telling people with the built agent: by a webhook, a program and ubus, once, and without giving anything away. */
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Notification } from '../../agent/engine/notify.ts';
import { startWebhook, type Webhook } from '../fakes/webhook.ts';
import {
  accountSection,
  agentSection,
  hostSection,
  makeRouter,
  makeService,
  type Router,
  readQuietly,
  until,
} from './agent-process.ts';

const TOKEN = 'Canary-T0ken-1234';
const PASSWORD = 'Canary p@ss:1';
const HOST = 'one.ddns.example';
/** Answers netifd's questions, and notes each event that is sent. */
const NOTING_UBUS = `#!/bin/sh
case "$1" in
  call) exec cat "$HOLDFAST_UBUS_DIR/dump.json" ;;
  send) printf '%s\\n' "$3" >>"$HOLDFAST_UBUS_DIR/$2.sent" ;;
  *) exec tail -n 0 -f "$HOLDFAST_UBUS_DIR/$1.log" ;;
esac
`;
const NOTING_SCRIPT = `#!/bin/sh
printf '%s\\n' "$HOLDFAST_EVENT" >>"$0.told"
printf '%s|' "$@" >>"$0.args"
`;

async function receiver(): Promise<Webhook> {
  const webhook = await startWebhook();
  onTestFinished(() => webhook.stop());
  return webhook;
}

function withScript(router: Router): string {
  const path = join(router.folder, 'tell');
  writeFileSync(path, NOTING_SCRIPT);
  chmodSync(path, 0o755);
  return path;
}

function linesOf(path: string): Notification[] {
  return readQuietly(path)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function kindsOf(told: readonly { kind: string; code: string }[]): string[] {
  return told.map(({ kind, code }) => `${kind} ${code}`);
}

describe('an account that the provider refuses', () => {
  test('is told once to everybody, over a restart, and once more when it is over', async () => {
    const service = await makeService({
      accounts: [{ username: 'user', password: 'right', hosts: [HOST] }],
    });
    const webhook = await receiver();
    const router = makeRouter({ ubus: NOTING_UBUS });
    const script = withScript(router);
    const address = `http://user:${encodeURIComponent(PASSWORD)}@127.0.0.1:${webhook.port}/${TOKEN}`;
    const configure = (login: Record<string, string>) =>
      router.configure(
        [
          agentSection(service, { notify: [address], notify_script: script, verify: '0' }),
          accountSection(service, 'noip', login),
          hostSection('one', HOST, 'noip'),
        ].join('\n'),
      );
    const posted = () => webhook.posted.map(({ body }) => body as Notification);
    const sent = () => linesOf(join(router.folder, 'ubus', 'holdfast.incident.sent'));
    configure({ password: 'wrong' });
    router.moveTo('198.51.100.10');

    const first = await router.boot();
    await until('the first message everywhere', () =>
      [posted(), sent(), linesOf(`${script}.told`)].every((told) => told.length === 1),
    );
    // What it has not heard the end of, it would send again.
    await until('their ends', () => isDelivered(router, false));
    first.signal('TERM');
    await first.ended;
    const second = await router.boot();
    await until('the update axis', () => router.host('one')?.axes.update.verdict === 'failed');
    configure({});
    second.signal('HUP');
    await until('the all-clear everywhere', () =>
      [posted(), sent(), linesOf(`${script}.told`)].every((told) => told.length === 2),
    );
    await until('their ends', () => isDelivered(router, true));
    second.signal('TERM');
    const { stderr } = await second.ended;

    expect(kindsOf(posted())).toEqual(['opened dyndns2/BADAUTH', 'closed dyndns2/BADAUTH']);
    expect(new Set(posted().map(({ incident }) => incident)).size).toBe(1);
    expect(sent()).toEqual(posted());
    expect(linesOf(`${script}.told`)).toEqual(posted());
    expect(readQuietly(`${script}.args`)).toMatch(
      /^opened\|dyndns2\/BADAUTH\|.+\|closed\|dyndns2\/BADAUTH\|.+\|$/,
    );
    expect(webhook.posted.map(({ path, headers }) => [path, headers.authorization])).toEqual(
      new Array(2).fill([`/${TOKEN}`, `Basic ${Buffer.from(`user:${PASSWORD}`).toString('base64')}`]),
    );
    expect(router.status()).toMatchObject({ notifications: { waiting: 0 } });
    const written = readdirSync(router.stateDir).map((name) =>
      readFileSync(join(router.stateDir, name), 'utf8'),
    );
    for (const text of [...written, stderr, JSON.stringify(posted()), readQuietly(router.publishedFile)]) {
      expect(text).not.toMatch(/Canary/);
    }
  });
});

/** The status comes a moment later: one from before the incident, or before its end, has nothing waiting either. */
function isDelivered(router: Router, isOver: boolean): boolean {
  const { notifications, incidents } = router.status() ?? {};
  return (
    notifications?.waiting === 0 &&
    incidents?.length === 1 &&
    (incidents[0]?.closedAt !== undefined) === isOver
  );
}

test('the mode by events tells before it ends', async () => {
  const service = await makeService({
    accounts: [{ username: 'user', password: 'right', hosts: [HOST] }],
  });
  const webhook = await receiver();
  const router = makeRouter({ ubus: NOTING_UBUS });
  router.configure(
    [
      agentSection(service, { notify: [`http://127.0.0.1:${webhook.port}/`], verify: '0' }),
      accountSection(service, 'noip', { password: 'wrong' }),
      hostSection('one', HOST, 'noip'),
    ].join('\n'),
  );
  router.moveTo('198.51.100.10');

  await router.run('once');
  await router.run('once');

  expect(kindsOf(webhook.posted.map(({ body }) => body as Notification))).toEqual(['opened dyndns2/BADAUTH']);
});

describe('holdfast notify-test', () => {
  test('sends to everybody and shows what came of it', async () => {
    const webhook = await receiver();
    const router = makeRouter({ ubus: NOTING_UBUS });
    const script = withScript(router);
    router.configure(
      `config agent\n\tlist notify 'gotify+http://127.0.0.1:${webhook.port}/?token=${TOKEN}'\n\toption notify_script '${script}'\n`,
    );

    const { status, stdout, stderr } = await router.run('notify-test');

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      `gotify at 127.0.0.1:${webhook.port}: delivered`,
      `${script}: delivered`,
      'ubus: delivered',
      '',
    ]);
    expect(webhook.posted).toMatchObject([{ path: '/message', headers: { 'x-gotify-key': TOKEN } }]);
    expect(kindsOf(linesOf(`${script}.told`))).toEqual(['test notify/TEST']);
    expect(existsSync(join(router.folder, 'ubus', 'holdfast.incident.sent'))).toBe(true);
  });

  test('fails where somebody did not get it, and says why', async () => {
    const webhook = await receiver();
    webhook.answer(401);
    const router = makeRouter({ ubus: NOTING_UBUS });
    router.configure(`config agent\n\tlist notify 'http://127.0.0.1:${webhook.port}/${TOKEN}'\n`);

    const { status, stdout } = await router.run('notify-test', '--json');

    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      channels: [
        {
          channel: `127.0.0.1:${webhook.port}`,
          ok: false,
          code: 'notify/DENIED',
          sentence: expect.stringContaining('option notify'),
        },
        { channel: 'ubus', ok: true },
      ],
    });
    expect(stdout).not.toContain(TOKEN);
  });

  test('says that nobody else is told where nothing is configured', async () => {
    const router = makeRouter({ ubus: NOTING_UBUS });
    router.configure('config agent\n');

    const { status, stdout } = await router.run('notify-test');

    expect(status).toBe(0);
    expect(stdout).toContain('option notify');
  });
});

describe('holdfast status --prometheus', () => {
  test('is an answer where no agent ever ran', async () => {
    const router = makeRouter();
    router.configure("config agent\n\toption state_dir '{DIR}/state'\n");

    const { status, stdout, stderr } = await router.run('status', '--prometheus');

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^holdfast_up 0$/m);
  });
});
