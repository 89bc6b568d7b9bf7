import { appendFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Observation } from '../../agent/core/wan.ts';
import { nodeProcesses } from '../../agent/hosts/node-processes.ts';
import { netifdSource } from '../../agent/openwrt/netifd.ts';
import { ubusCall } from '../../agent/openwrt/ubus.ts';
import { type NetifdFixture, netifdFixture } from '../fakes/netifd-feed.ts';
import { realClock } from '../fakes/real-clock.ts';

const STANDIN = fileURLToPath(new URL('../demo/ubus-standin.mjs', import.meta.url));

/** A folder with the state of a recording, and real processes that find the stand-in as `ubus`. */
function demo(fixture: NetifdFixture) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-ubus-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(STANDIN, join(folder, 'ubus'));
  const state = join(folder, 'dump.json');
  const events = join(folder, 'events.log');
  writeFileSync(state, JSON.stringify(fixture.dumpBefore));
  const path = `${folder}:${process.env.PATH}`;
  return { folder, state, events, processes: nodeProcesses({ PATH: path, HOLDFAST_UBUS_DIR: folder }) };
}

function addressOfWan(observation: Observation | undefined): string | undefined {
  return observation?.known ? observation.snapshot.wan?.addresses[0]?.address : observation?.code;
}

test('a notification travels through a real process, and ubusd may die under it', {
  timeout: 20_000,
}, async () => {
  const fixture = netifdFixture('12-v4-in-place-notify_proto');
  const notification = fixture.steps[0]?.line ?? '';
  const { processes, state, events } = demo(fixture);
  const source = netifdSource({ processes, clock: realClock(), log: () => {} });
  const hints: Observation[] = [];
  const latest = () => addressOfWan(hints.at(-1));

  const stop = source.watch((observation) => observation && hints.push(observation));
  onTestFinished(stop);
  await vi.waitFor(() => expect(latest()).toBe('198.51.100.20'), 5000);
  await vi.waitFor(
    () => {
      // The stand-in says as little as the real command about when it listens: repeat until it is heard.
      appendFileSync(events, `subscribe ${notification}\n`);
      expect(latest()).toBe('198.51.100.77');
    },
    { timeout: 5000, interval: 50 },
  );

  writeFileSync(state, readFileSync(state, 'utf8').replaceAll('198.51.100.20', '198.51.100.88'));
  appendFileSync(events, 'exit\n');
  await vi.waitFor(() => expect(latest()).toBe('198.51.100.88'), 5000);
});

test.for([
  { object: 'network.interface', method: 'dump', withState: true, code: undefined },
  { object: 'network.interface', method: 'dump', withState: false, code: 'ubus/NOT_FOUND' },
  { object: 'network.interface', method: 'bounce', withState: true, code: 'ubus/METHOD_NOT_FOUND' },
  { object: 'system', method: 'board', withState: true, code: 'ubus/NOT_FOUND' },
])(
  'ubus call $object $method, netifd running $withState: $code',
  async ({ object, method, withState, code }) => {
    const { processes, state } = demo(netifdFixture('03-dhcp-renew-same'));
    if (!withState) {
      rmSync(state);
    }

    const outcome = await ubusCall(processes, object, method);

    expect(outcome.ok ? undefined : outcome.failure.code).toBe(code);
  },
);
