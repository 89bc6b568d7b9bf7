/**
 * Source `device` on a real interface, in a network namespace of its own. The service stays outside: its
 * port is forwarded through a socket file, so that no packet leaves either side.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import {
  accountSection,
  agentSection,
  hostSection,
  makeRouter,
  makeService,
  until,
} from './agent-process.ts';

const HOME = 'home.ddns.example';
/** What the operator is promised; the next regular reading is ten minutes away. */
const PROMISED_MS = 1000;

/** In the namespace: accepts on the port of the service and passes everything to the socket file. */
const FORWARDER = `
const net = require('node:net');
const [port, path] = process.argv.slice(1);
net.createServer((inner) => {
  const outer = net.connect(path);
  inner.pipe(outer).pipe(inner);
  inner.on('error', () => outer.destroy());
  outer.on('error', () => inner.destroy());
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
`;

/** Why there can be no namespace here; undefined when there can. */
function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) {
    return 'needs root to make a network namespace';
  }
  return spawnSync('ip', ['-V']).status === 0 || process.env.CI ? undefined : 'needs iproute2';
}

function makeNamespace(): { name: string; ip(command: string): void } {
  const name = `holdfast-test-${process.pid}`;
  execFileSync('ip', ['netns', 'add', name]);
  onTestFinished(() => void execFileSync('ip', ['netns', 'delete', name]));
  function ip(command: string): void {
    execFileSync('ip', ['-netns', name, ...command.split(' ')]);
  }
  ip('link set lo up');
  ip('link add wan0 type veth peer name isp0');
  ip('link set isp0 up');
  ip('link set wan0 up');
  return { name, ip };
}

/** Makes the port of the service reachable under the same number within the namespace. */
async function forward(namespace: string, port: number, path: string): Promise<void> {
  const outside = createServer((inner) => {
    const outer = connect(port, '127.0.0.1');
    inner.pipe(outer).pipe(inner);
    inner.on('error', () => outer.destroy());
    outer.on('error', () => inner.destroy());
  });
  await new Promise<void>((listening) => outside.listen(path, listening));
  const node = [process.execPath, '-e', FORWARDER, String(port), path];
  const inside = spawn('ip', ['netns', 'exec', namespace, ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    inside.kill('SIGKILL');
    outside.close();
  });
  await new Promise((ready) => inside.stdout.once('data', ready));
}

test('follows the addresses of an interface through `ip monitor`', async (context) => {
  const why = obstacle();
  if (why !== undefined) {
    context.skip(why);
  }
  const service = await makeService();
  const router = makeRouter();
  const { name, ip } = makeNamespace();
  await forward(name, service.api.port, join(router.folder, 'service.sock'));
  router.configure(
    agentSection(service, { hold_down: '1', verify: '0' }) +
      accountSection(service, 'demo') +
      hostSection('home', HOME, 'demo', { source: 'device', device: ['wan0'], family: 'dual' }),
  );
  ip('addr add 203.0.113.1/24 dev wan0');
  ip('addr add 2001:db8::1/64 dev wan0 nodad');
  const sent = () => service.requests().map(({ query }) => query.myip);
  async function confirmed(ipv4: string, ipv6: string): Promise<void> {
    await until(`${ipv4} and ${ipv6}`, () => {
      const { confirmed, axes } = router.host('home') ?? {};
      const done = confirmed?.ipv4?.address === ipv4 && confirmed.ipv6?.address === ipv6;
      return (done && axes?.update.verdict === 'ok') || JSON.stringify(router.host('home'));
    });
  }

  await router.boot(['ip', 'netns', 'exec', name]);
  await confirmed('203.0.113.1', '2001:db8::1');
  // Out of the hold-down and of the second reading at the start: now only the monitor can tell.
  await pause(2500);
  let beganMs = performance.now();
  ip('addr del 2001:db8::1/64 dev wan0');
  ip('addr add 2001:db8::2/64 dev wan0 nodad');
  await until('the IPv6 change', () => sent().length === 2);
  const ipv6Ms = performance.now() - beganMs;
  await confirmed('203.0.113.1', '2001:db8::2');
  await pause(2500);
  beganMs = performance.now();
  ip('addr add 203.0.113.2/24 dev wan0');
  ip('addr del 203.0.113.1/24 dev wan0');
  // The kernel drops the second address of a subnet together with the first.
  ip('addr replace 203.0.113.2/24 dev wan0');
  await until('the IPv4 change', () => sent().length === 3);
  const ipv4Ms = performance.now() - beganMs;
  await confirmed('203.0.113.2', '2001:db8::2');
  ip('link set wan0 down');
  await until('the link down', () => router.host('home')?.axes.update.verdict === 'warning');
  ip('link set wan0 up');
  ip('addr add 2001:db8::2/64 dev wan0 nodad');
  await confirmed('203.0.113.2', '2001:db8::2');

  expect(sent()).toEqual(['203.0.113.1,2001:db8::1', '203.0.113.1,2001:db8::2', '203.0.113.2,2001:db8::2']);
  // Each passes through four processes; the faster of both shows that nothing waits for a timer.
  expect(Math.min(ipv4Ms, ipv6Ms)).toBeLessThan(PROMISED_MS);
});
