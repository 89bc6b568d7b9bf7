import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callUpdate, lookUp } from './client.ts';
import { startService } from './service.ts';

let folder: string;
/** The program in one file: it starts several times here, without the compiler each time. */
let program: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  program = join(folder, 'service.cjs');
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  await build({ entryPoints: [main], outfile: program, bundle: true, platform: 'node', format: 'cjs' });
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the program; `onFirstOutput` may end it. */
function runProgram(
  args: string[],
  onFirstOutput?: (child: ReturnType<typeof spawn>, text: string) => Promise<void>,
) {
  return new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args]);
    const output = { stdout: '', stderr: '' };
    child.stderr.on('data', (chunk) => {
      output.stderr += chunk;
    });
    child.stdout.on('data', (chunk) => {
      const begins = output.stdout === '';
      output.stdout += chunk;
      if (begins) onFirstOutput?.(child, String(chunk)).catch(reject);
    });
    child.on('error', reject).on('close', (status) => resolve({ status, ...output }));
  });
}

describe.concurrent('the program', () => {
  test('serves until TERM, tells where everything is, and leaves no file behind', async () => {
    let told: Awaited<ReturnType<typeof startService>> & { config: string } = Object.create(null);
    const { status, stderr } = await runProgram(['--json'], async (child, line) => {
      told = JSON.parse(line);
      const caPem = await readFile(told.caFile, 'utf8');
      const reply = await callUpdate(
        { ...told, caPem },
        { hostname: 'home.ddns.example', myip: '192.0.2.1' },
      );
      const seen = await lookUp(told, '127.0.53.53', 'home.ddns.example', 'A');
      child.kill('SIGTERM');
      expect([reply.body, seen?.answers]).toEqual(['good 192.0.2.1\r\n', ['A 192.0.2.1']]);
    });

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(told.config).toContain(`option server 'https://127.0.0.1:${told.api.port}'`);
    expect(told.config).toContain(`list resolver '127.0.53.55#${told.dns.port}'`);
    await expect(readFile(told.caFile)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('reads its options from a file and ends on Ctrl-C', async () => {
    const file = join(folder, 'options.json');
    const accounts = [{ username: 'alice', password: 'pw', hosts: ['alice.one.example'] }];
    await writeFile(file, JSON.stringify({ accounts, zones: ['one.example'] }));
    const { status, stdout } = await runProgram(['--options', file], async (child) => {
      child.kill('SIGINT');
    });

    expect(status).toBe(0);
    expect(stdout).toContain('alice / pw: alice.one.example');
    expect(stdout).toContain("option username 'alice'");
  });

  test('help and usage', async () => {
    const [helped, wrong] = await Promise.all([runProgram(['--help']), runProgram(['--dns-port', 'many'])]);

    expect(helped.stdout).toContain('--time-scale');
    expect(helped.status).toBe(0);
    expect(wrong).toMatchObject({ status: 2, stderr: expect.stringContaining('--dns-port') });
  });
});

test('addresses, ports, names, CA file and time are as asked', async () => {
  const dnsPort = await freePort();
  const apiPort = await freePort();
  const caFile = join(folder, 'ca.pem');
  let sourceMs = 1_000_000;
  const addresses = {
    api: '127.0.54.1',
    web: '127.0.54.2',
    parent: ['127.0.54.3'],
    provider: ['127.0.54.4', '127.0.54.5', '127.0.54.6'],
    standby: ['127.0.54.7'],
    seized: ['127.0.54.8'],
    resolver: ['127.0.54.9'],
  };
  const nowMs = () => sourceMs;
  const service = await startService({
    ...{ addresses, dnsPort, apiPort, caFile, nowMs, timeScale: 60, parentNsTtlSec: 300 },
    certificateNames: ['names.example.net', '192.0.2.53'],
  });
  const reply = await callUpdate(service, { hostname: 'home.ddns.example', myip: '192.0.2.1' });
  const servers = await lookUp(service, '127.0.54.3', 'ddns.example', 'NS');
  const resolved = await lookUp(service, '127.0.54.9', 'home.ddns.example', 'A');
  sourceMs += 500;
  const aged = await lookUp(service, '127.0.54.9', 'home.ddns.example', 'A');
  const pem = await readFile(caFile, 'utf8');
  await service.close();

  expect(service.api.url).toBe(`https://127.0.54.1:${apiPort}/nic/update`);
  expect(service.dns.port).toBe(dnsPort);
  expect(reply.body).toBe('good 192.0.2.1\r\n');
  expect(servers?.additionals).toEqual(['A 127.0.54.4', 'A 127.0.54.5', 'A 127.0.54.6']);
  expect(resolved).toMatchObject({ answers: ['A 192.0.2.1'], ttls: [60] });
  expect(aged?.ttls).toEqual([30]);
  expect(service.requests()[0]?.atMs).toBe(1_000_000);
  expect(pem).toBe(service.caPem);
});

test('a taken port is an error that leaves nothing open', async () => {
  const service = await startService();
  await expect(startService({ dnsPort: service.dns.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await expect(startService({ apiPort: service.api.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await service.close();
  const again = await startService({ dnsPort: service.dns.port, apiPort: service.api.port });
  await again.close();

  expect(again.dns.port).toBe(service.dns.port);
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.54.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
