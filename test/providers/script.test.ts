import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeProcesses } from '../../agent/hosts/node-processes.ts';
import type { Processes } from '../../agent/ports.ts';
import type { UpdateCall } from '../../agent/providers/protocol.ts';
import { script } from '../../agent/providers/protocols/script.ts';
import { PROVIDERS } from '../fakes/catalogue.ts';
import { noProcesses } from '../fakes/no-processes.ts';
import { protocolPorts } from '../fakes/protocol-ports.ts';
import { brief } from './fixture.ts';

const provider = PROVIDERS.get('script');
if (!provider) {
  throw new Error('script is not in the catalogue');
}
const CALL: UpdateCall = {
  provider,
  credential: { username: '', password: '' },
  options: { script: '/root/update', script_arg: "first\n$(reboot) ; 'x'\n" },
  hostnames: ['a.example.org', 'b.example.org'],
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  userAgent: 'Holdfast/0 (test)',
  via: { device: 'eth1', ipv4: '192.0.2.1' },
};

function ending(status: number, stdout = '', stderr = '') {
  const runs: Parameters<Processes['run']>[] = [];
  const processes: Processes = {
    ...noProcesses,
    async run(...run) {
      runs.push(run);
      return { status, stdout, stderr };
    },
  };
  return { runs, ports: protocolPorts({ processes }) };
}

test('gets its arguments as they stand, and names and addresses in its environment', async () => {
  const { runs, ports } = ending(0);

  await script.update(CALL, ports, (text) => text);

  expect(runs).toEqual([
    [
      ['/root/update', 'first', "$(reboot) ; 'x'", ''],
      60_000,
      {
        HOLDFAST_HOSTNAME: 'a.example.org b.example.org',
        HOLDFAST_IPV4: '192.0.2.1',
        HOLDFAST_IPV6: '2001:db8::1',
        HOLDFAST_DEVICE: 'eth1',
      },
    ],
  ]);
});

test('without an address of a family the environment has none', async () => {
  const { runs, ports } = ending(0);
  const { ipv6: _, via: __, ...call } = CALL;

  await script.update({ ...call, options: { script: '/root/update' } }, ports, (text) => text);

  expect(runs[0]?.[0]).toEqual(['/root/update']);
  expect(runs[0]?.[2]).toEqual({
    HOLDFAST_HOSTNAME: 'a.example.org b.example.org',
    HOLDFAST_IPV4: '192.0.2.1',
  });
});

describe('its end', () => {
  test.each([
    [0, 'ok'],
    [1, 'script/FAILED unconfirmed attempt'],
    [2, 'script/FAILED unconfirmed attempt'],
    [75, 'script/BUSY busy account'],
    [77, 'script/REFUSED refused account'],
    [78, 'script/REFUSED refused account'],
    [127, 'script/FAILED unconfirmed attempt'],
    [-1, 'script/NOT_RUN unconfirmed attempt'],
  ])('with status %i is %s', async (status, expected) => {
    const { outcomes } = await script.update(CALL, ending(status).ports, (text) => text);

    expect(outcomes.map(brief)).toEqual([expected, expected]);
  });

  test('keeps the first line it printed, without secrets', async () => {
    const { ports } = ending(1, '\n  wrong key-1234 \nmore\n', 'noise');

    const { outcomes, exchange } = await script.update(CALL, ports, (text) =>
      text.replaceAll('key-1234', '***'),
    );

    expect(outcomes[0]).toMatchObject({ ok: false, failure: { reply: 'wrong ***' } });
    expect(exchange.reply).toBe('exit status 1 wrong ***');
  });
});

describe('as a real program', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-script-'));
    const text = '#!/bin/sh\nprintf "%s|%s|%s\\n" "$HOLDFAST_IPV4" "$1" "$2"\nexit 0\n';
    writeFileSync(join(folder, 'update'), text, { mode: 0o755 });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('no shell reads its arguments', async () => {
    const options = { script: join(folder, 'update'), script_arg: '$(id)\n; echo x' };

    const { outcomes } = await script.update(
      { ...CALL, options },
      protocolPorts({ processes: nodeProcesses(process.env) }),
      (text) => text,
    );

    expect(outcomes[0]).toEqual({ ok: true, value: 'The script said: 192.0.2.1|$(id)|; echo x' });
  });

  test('one that is not there was not run', async () => {
    const { outcomes } = await script.update(
      { ...CALL, options: { script: join(folder, 'nowhere') } },
      protocolPorts({ processes: nodeProcesses(process.env) }),
      (text) => text,
    );

    expect(outcomes.map(brief)[0]).toBe('script/NOT_RUN unconfirmed attempt');
  });
});
