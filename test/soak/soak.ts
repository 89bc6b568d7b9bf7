/**
 * Thousands of address changes through the built agent as a process, one as soon as the last is confirmed and
 * on the agent's disk, and what it holds meanwhile: memory, files, children, and what keeps its event loop busy.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../bench/clients.ts';
import {
  loopbackConfig,
  manyAccounts,
  PATIENT,
  runtimeFlags,
  startLoopbackRouter,
  untilTrue,
} from '../bench/loopback.ts';
import { type Memory, memoryOf, threadsOf, treeOf } from '../bench/processes.ts';
import { type Made, pause } from '../demo/cleanup.ts';
import type { Runtime, RuntimeCommand } from '../quickjs/runtime.ts';
import { startService } from '../service/service.ts';

export interface SoakOptions {
  runtime: Runtime;
  command: RuntimeCommand;
  changes: number;
  /** After how many changes it is looked at; the last change always counts. */
  lookAfter: readonly number[];
  tell?(text: string): void;
}

export interface Sample extends Memory {
  changes: number;
  threads: number;
  /** Kinds of open files, e.g. `socket` or the path of a file, with their number. */
  files: Record<string, number>;
  /** Programs that it holds, in order. */
  children: string[];
  /** Everything in its folders. */
  onDisk: string[];
  diskBytes: number;
  /** What keeps Node's event loop alive, with numbers; none for QuickJS, which does not tell. */
  resources?: Record<string, number>;
  usedHeapBytes?: number;
}

export interface SoakResult {
  samples: Sample[];
  requests: number;
  /** Of what was confirmed: the only file that lies on flash. */
  flashWrites: number;
  /** Of the whole soak. */
  tookSec: number;
}

const PROBE = fileURLToPath(new URL('probe.cjs', import.meta.url));
/** The last check but one of the DNS is over, connections have ended, and the collector has run after all that. */
const CALM_MS = 10_000;
const CHANGE_LIMIT_MS = 60_000;
const SETTLE_LIMIT_MS = 60_000;

export async function soak(made: Made, options: SoakOptions): Promise<SoakResult> {
  const { runtime, command, changes } = options;
  const hostname = 'h0.ddns.example';
  const service = await startService({ accounts: manyAccounts(1, 1), temper: PATIENT });
  made.onUndo(() => service.close());
  let requests = 0;
  service.onRequest(() => {
    requests += 1;
  });
  const flags = runtimeFlags(runtime, nodeFlags());
  const router = startLoopbackRouter(made, {
    command,
    flags: runtime === 'node' ? [...flags, '--require', PROBE] : flags,
    config: loopbackConfig(service, { log_level: 'error' }),
    address: addressOf(0),
  });

  const file = join(router.folder, 'published.json');
  let flashWrites = 0;
  let lastWritten = '';
  // Looked at every few milliseconds, for a machine lends only a few watches of files to all its programs.
  function countWrite(): void {
    const { ino, ctimeNs } = statSync(file, { bigint: true, throwIfNoEntry: false }) ?? {};
    const written = `${ino} ${ctimeNs}`;
    flashWrites += ino !== undefined && written !== lastWritten ? 1 : 0;
    lastWritten = written;
  }

  async function published(address: string): Promise<void> {
    await untilTrue(
      () => {
        countWrite();
        return (
          router.hasEnded() ||
          (service.values(hostname, 'A')[0] === address && readQuietly(file).includes(`"${address}"`))
        );
      },
      () => `${address} was never published: ${router.complaint()}`,
      CHANGE_LIMIT_MS,
    );
    if (router.hasEnded()) {
      throw new Error(`The agent has ended: ${router.complaint()}`);
    }
  }

  const beganMs = performance.now();
  const samples: Sample[] = [];
  await published(addressOf(0));
  for (let change = 1; change <= changes; change++) {
    router.moveTo(addressOf(change));
    await published(addressOf(change));
    if (options.lookAfter.includes(change) || change === changes) {
      await pause(CALM_MS);
      const sample = await settled(() => look(router.pid, router.folder, change, runtime), samples[0]);
      samples.push(sample);
      options.tell?.(`${change} changes: ${sample.rssKib} KiB, ${sample.privateDirtyKib} of its own`);
    }
  }
  countWrite();
  await router.end();
  await service.close();
  return {
    samples,
    requests,
    flashWrites,
    tookSec: (performance.now() - beganMs) / 1000,
  };
}

/** What is still under way at that moment is no leak: it gets time to end. */
async function settled(look: () => Promise<Sample>, first: Sample | undefined): Promise<Sample> {
  const endMs = performance.now() + SETTLE_LIMIT_MS;
  for (;;) {
    const sample = await look();
    if (!first || leaksBetween(first, sample).length === 0 || performance.now() > endMs) {
      return sample;
    }
    await pause(1000);
  }
}

/** What there is more of later than earlier, in words; memory is for others to judge. */
export function leaksBetween(earlier: Sample, later: Sample): string[] {
  const grown = (what: string, before: Record<string, number>, after: Record<string, number>) =>
    Object.entries(after).flatMap(([kind, count]) =>
      count > (before[kind] ?? 0) ? `${what} ${kind}: ${before[kind] ?? 0}, then ${count}` : [],
    );
  return [
    ...grown('open file', earlier.files, later.files),
    ...grown('child', counted(earlier.children), counted(later.children)),
    ...grown('file on the disk', counted(earlier.onDisk), counted(later.onDisk)),
    ...grown('active', earlier.resources ?? {}, later.resources ?? {}),
    ...grown('threads', { all: earlier.threads }, { all: later.threads }),
  ];
}

/** Two documentation networks (RFC 5737) in turn, so that an address comes again only after 400 changes. */
function addressOf(change: number): string {
  const number = change % 400;
  return number < 200 ? `203.0.113.${number + 1}` : `198.51.100.${number - 199}`;
}

async function look(pid: number, folder: string, changes: number, runtime: Runtime): Promise<Sample> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const onDisk = entries.map((path) => path.slice(folder.length + 1)).sort();
  return {
    changes,
    ...memoryOf(pid),
    threads: threadsOf(pid),
    files: counted(openFiles(pid)),
    children: treeOf(pid)
      .slice(1)
      .map((child) => readQuietly(`/proc/${child}/cmdline`).replaceAll('\0', ' ').trim())
      // However long it has to.
      .map((command) => command.replace(/^sleep \d+$/, 'sleep'))
      .sort(),
    onDisk: onDisk.filter((name) => name !== 'probe.json'),
    diskBytes: entries.reduce((sum, path) => sum + readQuietly(path).length, 0),
    ...(runtime === 'node' && (await probe(pid, folder))),
  };
}

async function probe(pid: number, folder: string): Promise<Pick<Sample, 'resources' | 'usedHeapBytes'>> {
  const file = join(folder, 'probe.json');
  process.kill(pid, 'SIGWINCH');
  await untilTrue(
    () => readQuietly(file).endsWith('\n'),
    () => 'the probe did not answer',
    CHANGE_LIMIT_MS,
  );
  const { resources, heapUsed }: { resources: string[]; heapUsed: number } = JSON.parse(readQuietly(file));
  return { resources: counted(resources), usedHeapBytes: heapUsed };
}

/** What the open files of a process are; sockets and pipes have a number each that tells nothing. */
function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return readlinkSync(join(folder, fd)).replace(/^(socket|pipe):.*/, '$1');
    } catch {
      // Closed since.
      return [];
    }
  });
}

function counted(kinds: readonly string[]): Record<string, number> {
  const sorted = kinds.toSorted();
  return Object.fromEntries(
    [...new Set(sorted)].map((kind) => [kind, sorted.filter((one) => one === kind).length]),
  );
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
