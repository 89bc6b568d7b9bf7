import { spawnSync } from 'node:child_process';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunResult } from '../../agent/ports.ts';
import { ownFolder, script } from './programs.ts';
import {
  buildHostProgram,
  childrenOf,
  cpuTicks,
  type RemoteHost,
  removeHostProgram,
  startRemoteHost,
} from './remote-host.ts';

let program: string;
beforeAll(async () => {
  program = await buildHostProgram();
});
afterAll(() => removeHostProgram(program));

function host(options?: Parameters<typeof startRemoteHost>[1]): Promise<RemoteHost> {
  return startRemoteHost(program, options);
}

/** A killed process whose parent is gone may stay as a zombie in a container without an init. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('the process', () => {
  test('is described', async () => {
    const remote = await host({ env: { HOLDFAST_RUNTIME: 'quickjs 2025-09-13' } });
    const uptimeSec = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);

    const facts = await remote.facts();

    expect(facts).toMatchObject({
      runtime: 'quickjs 2025-09-13',
      pid: remote.pid,
      argv: ['run', '--json'],
      isAlive: [true, true, false, false, false, false],
    });
    expect(facts.monotonicMs / 1000).toBeGreaterThan(uptimeSec - 1);
    expect(Number.isInteger(facts.monotonicMs)).toBe(true);
    expect(facts.memoryKib).toBeGreaterThan(1000);
    expect(facts.memoryKib).toBeLessThan(20_000);
    expect(new Set(facts.random).size).toBeGreaterThan(1);
  });

  // Bits of the key's length that fill whole words of a big number, and one less.
  test.each([2048, 2047, 1024])('signs with RSA keys of %i bits like everybody', async (modulusLength) => {
    const remote = await host();
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const message = [1, 2, 3];

    const signature = await remote.call<number[] | null>({ call: 'signRsa', args: [pem, message] });

    const expected = createSign('sha256').update(Buffer.from(message)).sign(privateKey);
    expect(Buffer.from(signature ?? []).toString('hex')).toBe(expected.toString('hex'));
    expect(publicKey.asymmetricKeyDetails?.modulusLength).toBe(modulusLength);
  });

  test('waits no shorter than asked', async () => {
    const remote = await host();

    const waits = await Promise.all(
      [0, 1, 30, 100].map((ms) => remote.call<number>({ call: 'after', args: [ms] })),
    );

    expect(waits.every((ms, at) => ms >= ([0, 1, 30, 100][at] ?? 0))).toBe(true);
  });

  test('survives a reader that went away', async () => {
    const remote = await host();
    await remote.facts();

    remote.child.stdout?.destroy();
    void remote.run(['echo', 'a']);
    void remote.run(['echo', 'b']);
    await pause(200);
    expect(isRunning(remote.pid)).toBe(true);
    remote.child.stdin?.end();

    expect(await remote.ended).toBe(0);
    expect(remote.stderr()).toBe('');
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
      'no such program in PATH',
      ['no-such'],
      { status: -1, stdout: '', stderr: 'cannot start no-such: ENOENT' },
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
    [
      'the default for SIGPIPE',
      ['sh', '-c', '{ yes; echo $? >&2; } | head -c 2'],
      { status: 0, stdout: 'y\n', stderr: '141\n' },
    ],
  ])('%s', async (_name, argv, expected) => {
    const remote = await host({ env: { KEPT: 'yes', DDNS_PASSWORD: 's3cret' } });

    expect(await remote.run(argv)).toEqual(expected);
  });

  test('caps the output and lets the program end', async () => {
    const result = await (await host()).run(['head', '-c', '3000000', '/dev/zero']);

    expect(result.status).toBe(0);
    expect(result.stdout).toHaveLength(1024 * 1024);
  });

  test('kills what takes too long, its children too', async () => {
    const remote = await host();

    const result = await remote.run(['sh', '-c', 'sleep 1000 & echo $!; wait'], 300);

    expect(result.status).toBe(-1);
    expect(Number(result.stdout)).toBeGreaterThan(1);
    await vi.waitFor(() => expect(isRunning(Number(result.stdout))).toBe(false));
    expect(childrenOf(remote.pid)).toEqual([]);
  });

  test('does not wait for a grandchild that keeps the output open', async () => {
    const result = await (await host()).run(['sh', '-c', 'sleep 1000 & echo $!']);
    process.kill(Number(result.stdout));

    expect(result.status).toBe(0);
  });

  test('waits for a program that closes its output and works on', async () => {
    const folder = ownFolder();

    const result = await (await host()).run([
      'sh',
      '-c',
      `exec >&- 2>&-; sleep 0.8; echo done >${folder}/a; exit 3`,
    ]);

    expect(result.status).toBe(3);
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('done\n');
  });
});

describe('lines', () => {
  test.each<[string, string, string[], number]>([
    ['whole lines', 'printf "a\\nb\\n\\nc\\n"', ['a', 'b', '', 'c'], 0],
    ['a last line without an end', 'printf "a\\nb"; exit 4', ['a', 'b'], 4],
    ['lines in pieces', 'printf a; sleep 0.02; printf "b\\nc"; sleep 0.02; echo d', ['ab', 'cd'], 0],
    ['a character in pieces', 'printf "\\303"; sleep 0.02; printf "\\244\\n"', ['ä'], 0],
    ['no line that is too long', 'echo a; head -c 1100000 /dev/zero; echo; echo b', ['a', 'b'], 0],
  ])('%s', async (_name, text, expected, status) => {
    const lines: string[] = [];

    const { ended } = (await host()).lines(['sh', '-c', text], (line) => lines.push(line));

    expect(await ended).toEqual({ status, stdout: '', stderr: '' });
    expect(lines).toEqual(expected);
  });

  test('tells the program who holds it, and a program that is run does not learn it', async () => {
    const remote = await host();
    const lines: string[] = [];
    const { ended } = remote.lines(['sh', '-c', 'echo $HOLDFAST_HELD_BY'], (line) => lines.push(line));
    await ended;
    const { stdout } = await remote.run(['sh', '-c', 'echo $HOLDFAST_HELD_BY']);

    expect(lines).toEqual([`${remote.pid}`]);
    expect(stdout).toBe('\n');
  });

  test('reports a program that cannot be started as its end', async () => {
    const { ended } = (await host()).lines(['/nonexistent/ubus']);

    expect(await ended).toEqual({ status: -1, stdout: '', stderr: 'cannot start /nonexistent/ubus: ENOENT' });
  });

  test('stop ends a deaf program, and reports no more', async () => {
    const remote = await host();
    const reports: string[] = [];
    const held = remote.lines(
      ['sh', '-c', 'trap "" TERM; echo $$; while echo more; do sleep 0.01; done'],
      (line) => reports.push(line),
    );
    void held.ended.then(() => reports.push('exit'));
    await vi.waitFor(() => expect(reports.length).toBeGreaterThan(1));
    await remote.call({ call: 'stop', args: [held.id] });
    const seen = reports.length;

    await vi.waitFor(() => expect(isRunning(Number(reports[0]))).toBe(false), 5000);
    await vi.waitFor(() => expect(childrenOf(remote.pid)).toEqual([]), 5000);
    expect(reports).toHaveLength(seen);
  });

  test('none outlives an agent that ends', async () => {
    const remote = await host();
    const reports: string[] = [];
    remote.lines(['sh', '-c', 'trap "" TERM PIPE; sleep 1000 & echo $!; wait; wait'], (line) =>
      reports.push(line),
    );
    await vi.waitFor(() => expect(reports).toHaveLength(1));

    remote.child.stdin?.end();
    await remote.ended;

    await vi.waitFor(() => expect(isRunning(Number(reports[0]))).toBe(false));
  });
});

describe('what goes wrong costs nothing that stays', () => {
  test('1,000 programs, good and bad ones: no descriptor, no child, no memory', async () => {
    const remote = await host();
    const folder = ownFolder();
    script(folder, 'loud', 'yes | head -c 20000; exit 1');
    const kinds = [['true'], ['/nonexistent'], ['sh', '-c', 'kill -9 $$'], [join(folder, 'loud')]];
    async function round(count: number): Promise<void> {
      for (let at = 0; at < count; at += 10) {
        await Promise.all(
          Array.from({ length: 10 }, (_, i) => remote.run(kinds[(at + i) % kinds.length] ?? [])),
        );
      }
    }
    await round(200);
    const before = await remote.facts();

    await round(1000);

    const after = await remote.facts();
    expect(after.descriptors).toBe(before.descriptors);
    expect(childrenOf(remote.pid)).toEqual([]);
    expect(after.memoryKib - before.memoryKib).toBeLessThan(500);
  });

  test('a storm of SIGCHLD and SIGPIPE disturbs nobody', async () => {
    const remote = await host();
    await remote.facts();
    const running = Array.from({ length: 50 }, (_, at) =>
      remote.run(['sh', '-c', `sleep 0.${at % 10}; echo ${at}`]),
    );
    for (let burst = 0; burst < 200; burst++) {
      for (let at = 0; at < 50; at++) {
        remote.child.kill(at % 2 === 0 ? 'SIGCHLD' : 'SIGPIPE');
      }
      await pause(2);
    }
    const results = await Promise.all(running);

    expect(results.map(({ stdout }) => stdout)).toEqual(results.map((_, at) => `${at}\n`));
    expect(childrenOf(remote.pid)).toEqual([]);
  });

  test('the first process of a jail waits for what its children leave behind', async () => {
    const remote = await host({ jailed: true });
    const { pid } = await remote.facts();
    const [inside = ''] = childrenOf(remote.pid);

    const results = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        remote.run(['sh', '-c', `(sleep 0.${at % 3}1; exit 9) >&- 2>&- & sleep 0.${at % 4}; exit ${at}`]),
      ),
    );

    expect(pid).toBe(1);
    expect(results.map(({ status }) => status)).toEqual(results.map((_, at) => at));
    await vi.waitFor(() => expect(childrenOf(Number(inside))).toEqual([]), 10_000);
  });

  test('held programs that are quiet cost no processor time', async () => {
    const remote = await host();
    const reports: string[] = [];
    for (let at = 0; at < 3; at++) {
      remote.lines(['sh', '-c', 'echo ready; exec sleep 1000'], (line) => reports.push(line));
    }
    void remote.call({ call: 'after', args: [600_000] });
    void remote.run(['sleep', '1000'], 600_000);
    await vi.waitFor(() => expect(reports).toHaveLength(3));
    const before = cpuTicks(remote.pid);

    await pause(2000);

    // A hundredth of a second is one tick; a loop that spins would take two hundred.
    expect(cpuTicks(remote.pid) - before).toBeLessThan(5);
  });
});

describe('files', () => {
  test('are written whole, in mode 0600 or as asked, past the umask', async () => {
    const folder = ownFolder();
    const remote = await host();

    await remote.call({ call: 'writeAtomic', args: [join(folder, 'a'), 'old'] });
    await remote.call({ call: 'writeAtomic', args: [join(folder, 'a'), 'nöw'.repeat(50_000)] });
    await remote.call({ call: 'writeAtomic', args: [join(folder, 'b'), 'b', 0o666] });

    expect(await remote.call({ call: 'readText', args: [join(folder, 'a')] })).toBe('nöw'.repeat(50_000));
    expect(['a', 'b'].map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([0o600, 0o666]);
    expect(readdirSync(folder)).toEqual(['a', 'b']);
  });

  test('of an earlier crash are cleaned up, those of others are left', async () => {
    const folder = ownFolder();
    const remote = await host();
    const dead = spawnSync('true').pid;
    const kept = [
      '.state.json.1.tmp',
      `.other.json.${dead}.tmp`,
      `.state.json.${dead}.tmp.bak`,
      '.state.json.x.tmp',
    ];
    for (const name of [...kept, `.state.json.${dead}.tmp`, `.state.json.${remote.pid}.tmp`]) {
      writeFileSync(join(folder, name), 'half');
    }

    await remote.call({ call: 'writeAtomic', args: [join(folder, 'state.json'), '{}'] });

    expect(readdirSync(folder).sort()).toEqual([...kept, 'state.json'].sort());
  });

  test('that cannot be written leave the old one, no rest, and later writes go on', async () => {
    const folder = ownFolder();
    const remote = await host();
    mkdirSync(join(folder, 'a'));
    const write = () => remote.call({ call: 'writeAtomic', args: [join(folder, 'a'), 'text'] });

    // A folder stands in the way of the rename.
    await expect(write()).rejects.toMatchObject({ code: 'EISDIR' });
    expect(readdirSync(folder)).toEqual(['a']);

    rmSync(join(folder, 'a'), { recursive: true });
    await write();
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('text');
  });

  test('that find no room fail', async () => {
    const remote = await host();
    const write = remote.call({ call: 'writeAtomic', args: ['/dev/full/a', 'text'] });

    await expect(write).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  test('that are missing read as undefined; other faults are thrown', async () => {
    const folder = ownFolder();
    const remote = await host();
    const read = (path: string) => remote.call({ call: 'readText', args: [path] });

    expect(await read(join(folder, 'none'))).toBeNull();
    await expect(read(folder)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(read(join(program, 'a'))).rejects.toMatchObject({ code: 'ENOTDIR' });
    expect(await read('/proc/self/status')).toContain('VmRSS');
  });

  test('are renamed, removed and listed', async () => {
    const folder = ownFolder();
    const remote = await host();
    writeFileSync(join(folder, 'b'), '');
    writeFileSync(join(folder, 'a'), '');
    const list = (path: string) => remote.call({ call: 'listFolder', args: [path] });

    await remote.call({ call: 'rename', args: [join(folder, 'a'), join(folder, 'c')] });
    expect(await list(folder)).toEqual(['b', 'c']);
    await remote.call({ call: 'remove', args: [join(folder, 'b')] });
    await remote.call({ call: 'remove', args: [join(folder, 'b')] });
    expect(await list(folder)).toEqual(['c']);
    expect(await list(join(folder, 'nowhere'))).toEqual([]);
    await expect(list(join(folder, 'c'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  test('folders get the mode only when they are made', async () => {
    const folder = ownFolder();
    const remote = await host();
    const make = () => remote.call({ call: 'makeFolder', args: [join(folder, 'a/b'), 0o777] });
    const mode = () => statSync(join(folder, 'a/b')).mode & 0o777;

    await make();
    expect(mode()).toBe(0o777);

    chmodSync(join(folder, 'a/b'), 0o711);
    await make();
    expect(mode()).toBe(0o711);
  });
});
