import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { nodeHost } from '../../agent/hosts/node.ts';
import type { RunResult } from '../../agent/ports.ts';
import { inVirtualTime } from '../net/loopback.ts';

const host = nodeHost(['run', '--json'], { PATH: process.env.PATH, KEPT: 'yes', DDNS_PASSWORD: 's3cret' });

let bundlePath: string;
beforeAll(async () => {
  bundlePath = join(await mkdtemp(join(tmpdir(), 'holdfast-bundle-')), 'node.cjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('../../agent/hosts/node.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['web-streams-polyfill'],
    outfile: bundlePath,
  });
});
afterAll(() => rm(dirname(bundlePath), { recursive: true }));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-host-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs a script that has a `host`, in a process of its own. */
function hostProcess(script: string) {
  const source = `const host = require(${JSON.stringify(bundlePath)}).nodeHost([], process.env); ${script}`;
  return spawn(process.execPath, ['-e', source], { stdio: 'pipe' });
}

describe('the process', () => {
  test('is described', () => {
    expect(host).toMatchObject({
      runtime: `node ${process.versions.node}`,
      pid: process.pid,
      argv: ['run', '--json'],
    });
    expect(host.memoryKib()).toBeGreaterThan(10_000);
    expect(host.memoryKib()).toBeLessThan(10_000_000);
  });

  test('knows the time since boot', async () => {
    const uptimeSec = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]);

    // The container's own uptime may be shorter than the kernel's clock, never longer.
    expect(host.monotonicMs() / 1000).toBeGreaterThan(uptimeSec - 1);
    expect(Number.isInteger(host.monotonicMs())).toBe(true);
  });

  test('tells living processes from dead ones, whoever owns them', () => {
    const dead = spawnSync('true').pid;

    expect([process.pid, 1, dead, 0, -1, Number.NaN, 2 ** 40].map(host.isAlive)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  test('sends and receives signals', async () => {
    const received = new Promise<void>((resolve) => host.onSignal('USR2', resolve));

    expect(host.sendSignal(process.pid, 'USR2')).toBe(true);
    await received;
    expect(host.sendSignal(0, 'USR2')).toBe(false);
    expect(host.sendSignal(spawnSync('true').pid, 'USR2')).toBe(false);
  });

  test('lists the addresses of the devices', () => {
    expect(host.interfaces?.()).toContainEqual({
      name: 'lo',
      address: '127.0.0.1',
      family: 'ipv4',
      prefixLength: 8,
      internal: true,
    });
  });

  test('writes everything before it exits, however slow the reader', async () => {
    const child = hostProcess(`host.writeOut('ä'.repeat(500_000)); host.writeErr('end'); host.exit(3);`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    const [out, err, [status]] = await Promise.all([
      child.stdout.setEncoding('utf8').toArray(),
      child.stderr.setEncoding('utf8').toArray(),
      once(child, 'exit'),
    ]);

    expect(out.join('')).toBe('ä'.repeat(500_000));
    expect(err.join('')).toBe('end');
    expect(status).toBe(3);
  });

  test('survives a reader that went away', async () => {
    const child = hostProcess(`process.stdin.on('end', () => {
      host.writeOut('nobody reads this'); host.writeErr('still here'); host.exit(0); }).resume();`);
    child.stdout.destroy();
    child.stdin.end();
    const [err, [status]] = await Promise.all([
      child.stderr.setEncoding('utf8').toArray(),
      once(child, 'exit'),
    ]);

    expect(err.join('')).toBe('still here');
    expect(status).toBe(0);
  });
});

describe('after', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'hrtime'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([0, -5, 1, 600_000, 2 ** 31, 60 * 86_400_000])(
    '%d ms fires once, then and not before',
    (delayMs) => {
      let fired = 0;
      host.after(delayMs, () => fired++);

      vi.advanceTimersByTime(Math.max(delayMs - 1, 0));
      expect(fired).toBe(delayMs <= 0 ? 1 : 0);
      vi.advanceTimersByTime(2);
      expect(fired).toBe(1);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  test('can be stopped, also twice and after the first part of a long wait', () => {
    let fired = 0;
    const stop = host.after(2 ** 32, () => fired++);

    vi.advanceTimersByTime(2 ** 31 + 5);
    stop();
    stop();
    vi.advanceTimersByTime(2 ** 32);

    expect(fired).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('run', () => {
  test.each<[string, string[], RunResult]>([
    [
      'output and status',
      ['sh', '-c', 'echo out; echo err >&2; exit 7'],
      { status: 7, stdout: 'out\n', stderr: 'err\n' },
    ],
    ['no shell', ['echo', '$HOME; *'], { status: 0, stdout: '$HOME; *\n', stderr: '' }],
    ['no input', ['cat'], { status: 0, stdout: '', stderr: '' }],
    ['a killed program', ['sh', '-c', 'kill -9 $$'], { status: -1, stdout: '', stderr: '' }],
    [
      'the environment without secrets',
      ['sh', '-c', 'echo $KEPT$DDNS_PASSWORD'],
      { status: 0, stdout: 'yes\n', stderr: '' },
    ],
    [
      'no such program',
      ['/nonexistent/ubus', 'call'],
      { status: -1, stdout: '', stderr: 'cannot start /nonexistent/ubus: ENOENT' },
    ],
    [
      'not a program',
      ['/proc/self/status'],
      { status: -1, stdout: '', stderr: 'cannot start /proc/self/status: EACCES' },
    ],
    [
      'an argument that no program can get',
      ['echo', 'a\0b'],
      { status: -1, stdout: '', stderr: 'cannot start echo: ERR_INVALID_ARG_VALUE' },
    ],
    ['nothing', [], { status: -1, stdout: '', stderr: 'cannot start : ERR_INVALID_ARG_VALUE' }],
  ])('%s', async (_name, argv, expected) => {
    expect(await host.run(argv, 5000)).toEqual(expected);
  });

  test('caps the output and lets the program end', async () => {
    const result = await host.run(['head', '-c', '3000000', '/dev/zero'], 5000);

    expect(result.status).toBe(0);
    expect(result.stdout).toHaveLength(1024 * 1024);
  });

  test('kills what takes too long, its children too', async () => {
    const result = await host.run(['sh', '-c', 'sleep 1000 & echo $!; wait'], 250);

    expect(result.status).toBe(-1);
    expect(Number(result.stdout)).toBeGreaterThan(1);
    await vi.waitFor(async () => expect(await isRunning(Number(result.stdout))).toBe(false));
  });
});

test('run does not wait for a grandchild that keeps the output open', async () => {
  const result = await inVirtualTime(() => host.run(['sh', '-c', 'sleep 1000 & echo $!'], 1e9));
  process.kill(Number(result.stdout));

  expect(result.status).toBe(0);
});

test('run adds to the environment what is given, and keeps the rest', async () => {
  const { stdout } = await host.run(['env'], 5000, { HOLDFAST_IPV4: '192.0.2.1' });

  expect(stdout.split('\n')).toEqual(expect.arrayContaining(['HOLDFAST_IPV4=192.0.2.1', 'KEPT=yes']));
  expect(stdout).not.toContain('s3cret');
});

/** A killed process whose parent is gone may stay as a zombie in a container without an init. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await host.readText(`/proc/${pid}/stat`).catch(() => undefined);
  return status !== undefined && !/\) [ZX] /.test(status);
}

describe('lines', () => {
  function collect(script: string): Promise<{ lines: string[]; result: RunResult }> {
    const lines: string[] = [];
    return new Promise((resolve) => {
      host.lines(
        ['sh', '-c', script],
        (line) => lines.push(line),
        (result) => resolve({ lines, result }),
      );
    });
  }

  test.each<[string, string, string[], number]>([
    ['whole lines', 'printf "a\\nb\\n\\nc\\n"', ['a', 'b', '', 'c'], 0],
    ['a last line without an end', 'printf "a\\nb"; exit 4', ['a', 'b'], 4],
    ['lines in pieces', 'printf a; sleep 0.02; printf "b\\nc"; sleep 0.02; echo d', ['ab', 'cd'], 0],
    ['a character in pieces', 'printf "\\303"; sleep 0.02; printf "\\244\\n"', ['ä'], 0],
    ['no line that is too long', 'echo a; head -c 1100000 /dev/zero; echo; echo b', ['a', 'b'], 0],
    [
      'more lines than the output limit',
      'head -c 1000000 /dev/zero; echo; head -c 1000000 /dev/zero; echo; echo b',
      ['\0'.repeat(1_000_000), '\0'.repeat(1_000_000), 'b'],
      0,
    ],
  ])('%s', async (_name, script, expected, status) => {
    const { lines, result } = await collect(script);

    expect(lines.length).toBe(expected.length);
    expect(lines.every((line, index) => line === expected[index])).toBe(true);
    expect(result).toEqual({ status, stdout: '', stderr: '' });
  });

  test('tells the program who holds it, and a program that is run does not learn it', async () => {
    const { lines } = await collect('echo $HOLDFAST_HELD_BY');
    const { stdout } = await host.run(['sh', '-c', 'echo $HOLDFAST_HELD_BY'], 5000);

    expect(lines).toEqual([`${process.pid}`]);
    expect(stdout).toBe('\n');
  });

  test('reports a program that cannot be started as its end', async () => {
    const result = await new Promise((resolve) => {
      host.lines(['/nonexistent/ubus'], () => {}, resolve);
    });

    expect(result).toEqual({ status: -1, stdout: '', stderr: 'cannot start /nonexistent/ubus: ENOENT' });
  });

  test('stop ends the program and all reports', async () => {
    const reports: string[] = [];
    const pid = await new Promise<number>((resolve) => {
      const stop = host.lines(
        ['sh', '-c', 'echo $$; while echo more; do sleep 0.001; done'],
        (line) => {
          reports.push(line);
          stop();
          stop();
          resolve(Number(line));
        },
        () => reports.push('exit'),
      );
    });

    await vi.waitFor(async () => expect(await isRunning(pid)).toBe(false));
    expect(reports).toEqual([String(pid)]);
  });

  test.each([
    ['ends', 'host.exit(0)'],
    ['crashes', 'throw new Error("defect")'],
    ['stops them and ends at once', 'stop(); host.exit(0)'],
  ])('programs do not outlive an agent that %s, even deaf ones', async (_name, end) => {
    const agent = hostProcess(`const stop = host.lines(
      ['sh', '-c', 'trap "" TERM PIPE; sleep 1000 & echo $!; wait; wait'],
      (pid) => { host.writeOut(pid); ${end} }, () => {});`);
    const [output] = await Promise.all([agent.stdout.setEncoding('utf8').toArray(), once(agent, 'exit')]);

    const pid = Number(output.join(''));
    expect(pid).toBeGreaterThan(1);
    await vi.waitFor(async () => expect(await isRunning(pid)).toBe(false));
  });
});

describe('files', () => {
  test('are written whole, in mode 0600 or as asked', async () => {
    const umask = process.umask(0o077);
    onTestFinished(() => {
      process.umask(umask);
    });
    await host.writeAtomic(join(folder, 'a'), 'old');
    await host.writeAtomic(join(folder, 'a'), 'nöw');
    await host.writeAtomic(join(folder, 'b'), 'b', 0o644);

    expect(await host.readText(join(folder, 'a'))).toBe('nöw');
    expect(await modeOf('a')).toBe('600');
    expect(await modeOf('b')).toBe('644');
    expect(await readdir(folder)).toEqual(['a', 'b']);
  });

  async function modeOf(name: string): Promise<string> {
    return ((await stat(join(folder, name))).mode & 0o777).toString(8);
  }

  test('written many times at once end with the last text, each whole', async () => {
    const path = join(folder, 'a');
    const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));

    const writes = texts.map((text) => host.writeAtomic(path, text));
    await writes[3];
    expect(texts).toContain(await host.readText(path));
    await Promise.all(writes);

    expect(await host.readText(path)).toBe(texts.at(-1));
    expect(await readdir(folder)).toEqual(['a']);
  });

  test('of an earlier crash are cleaned up, those of others are left', async () => {
    const dead = spawnSync('true').pid;
    const kept = [
      `.state.json.1.tmp`,
      `.other.json.${dead}.tmp`,
      `.state.json.${dead}.tmp.bak`,
      '.state.json.x.tmp',
    ];
    const leftovers = [`.state.json.${dead}.tmp`, `.state.json.${process.pid}.tmp`];
    await Promise.all([...kept, ...leftovers].map((name) => writeFile(join(folder, name), 'half')));

    await host.writeAtomic(join(folder, 'state.json'), '{}');

    expect((await readdir(folder)).sort()).toEqual([...kept, 'state.json'].sort());
  });

  test('that cannot be written leave the old one, no rest, and later writes go on', async () => {
    await host.makeFolder(join(folder, 'a'), 0o700);

    // A folder stands in the way of the rename.
    await expect(host.writeAtomic(join(folder, 'a'), 'text')).rejects.toMatchObject({ code: 'EISDIR' });
    expect(await readdir(folder)).toEqual(['a']);

    await rm(join(folder, 'a'), { recursive: true });
    await host.writeAtomic(join(folder, 'a'), 'text');
    expect(await host.readText(join(folder, 'a'))).toBe('text');
  });

  test('that are missing read as undefined; other faults are thrown', async () => {
    expect(await host.readText(join(folder, 'none'))).toBeUndefined();
    await expect(host.readText(folder)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(host.writeAtomic(join(folder, 'none', 'a'), 'text')).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });

  test('are renamed and removed; what is gone needs no removal', async () => {
    await host.writeAtomic(join(folder, 'a'), 'text');

    await host.rename(join(folder, 'a'), join(folder, 'b'));
    expect(await readdir(folder)).toEqual(['b']);
    await host.remove(join(folder, 'b'));
    await host.remove(join(folder, 'b'));
    expect(await readdir(folder)).toEqual([]);
  });

  test('folders get the mode only when they are made', async () => {
    await host.makeFolder(join(folder, 'a/b'), 0o750);
    expect((await stat(join(folder, 'a/b'))).mode & 0o777).toBe(0o750);

    await chmod(join(folder, 'a/b'), 0o711);
    await host.makeFolder(join(folder, 'a/b'), 0o750);
    expect((await stat(join(folder, 'a/b'))).mode & 0o777).toBe(0o711);
  });

  test('lists a folder in order; one that is not there is empty', async () => {
    await writeFile(join(folder, 'b.json'), '');
    await writeFile(join(folder, 'a.json'), '');

    expect(await host.listFolder(folder)).toEqual(['a.json', 'b.json']);
    expect(await host.listFolder(join(folder, 'nowhere'))).toEqual([]);
    await expect(host.listFolder(join(folder, 'a.json'))).rejects.toThrow('ENOTDIR');
  });
});

describe('secretForms', () => {
  test.each<[string, string, string, string[]]>([
    ['a plain password', 'user', 'pass', ['dXNlcjpwYXNz', 'cGFzcw==', 'pass']],
    [
      'one with marks',
      'u',
      "a:b 'ü/",
      ["a%3Ab%20'%C3%BC%2F", 'a%3ab+%27%c3%bc%2f', "a:b 'ü/", Buffer.from("u:a:b 'ü/").toString('base64')],
    ],
    ['half a character', 'u', '\ud800', ['%EF%BF%BD', '\ud800']],
  ])('holds every form of %s', (_name, username, password, expected) => {
    expect(host.secretForms(username, password)).toEqual(expect.arrayContaining(expected));
  });

  test('is empty without a password and has the longest form first', () => {
    expect(host.secretForms('user', '')).toEqual([]);

    const lengths = host.secretForms('user', 'a b').map((form) => form.length);
    expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
  });
});
