import { expect, test } from 'vitest';
import { ubusCall, ubusEnd } from '../../agent/openwrt/ubus.ts';
import type { Processes, RunResult } from '../../agent/ports.ts';

/** A program that always ends the same way and remembers how it was called. */
function program(result: Partial<RunResult>) {
  const argvs: (readonly string[])[] = [];
  const processes: Processes = {
    async run(argv) {
      argvs.push(argv);
      return { status: 0, stdout: '', stderr: '', ...result };
    },
    lines: () => () => {},
  };
  return { argvs, processes };
}

test.for([
  { name: 'no message', message: undefined, words: [] },
  {
    name: 'a message',
    message: { name: 'ddns', 'verbose mode': true },
    words: ['{"name":"ddns","verbose mode":true}'],
  },
])('a call with $name is one argument list without a shell', async ({ message, words }) => {
  const { argvs, processes } = program({ stdout: '{}' });

  await ubusCall(processes, 'service', 'list', message);

  expect(argvs).toEqual([['ubus', 'call', 'service', 'list', ...words]]);
});

test.for([
  { stdout: '{\n\t"up": true\n}\n', value: { up: true } },
  { stdout: '\n', value: undefined },
])('the answer is parsed: $value', async ({ stdout, value }) => {
  expect(await ubusCall(program({ stdout }).processes, 'network.interface', 'dump')).toEqual({
    ok: true,
    value,
  });
});

const FAILED_CALL = 'Command failed: ubus call network.interface dump';

test.for([
  { status: 252, stderr: `${FAILED_CALL} (Not found)\n`, code: 'ubus/NOT_FOUND' },
  { status: 250, stderr: `${FAILED_CALL} (Permission denied)\n`, code: 'ubus/PERMISSION' },
  { status: 6, stderr: 'Command failed: Permission denied\n', code: 'ubus/PERMISSION' },
  { status: 249, stderr: `${FAILED_CALL} (Request timed out)\n`, code: 'ubus/TIMEOUT' },
  { status: -1, stderr: '', code: 'ubus/TIMEOUT' },
  { status: 255, stderr: 'Failed to connect to ubus\n', code: 'ubus/UNAVAILABLE' },
  { status: 254, stderr: `${FAILED_CALL} (Invalid argument)\n`, code: 'ubus/INVALID_ARGUMENT' },
  { status: 253, stderr: `${FAILED_CALL} (Method not found)\n`, code: 'ubus/METHOD_NOT_FOUND' },
  { status: 1, stderr: 'Segmentation fault\n', code: 'ubus/FAILED' },
  { status: -1, stderr: 'spawn ubus ENOENT', code: 'ubus/MISSING' },
  { status: 127, stderr: '', code: 'ubus/MISSING' },
  { status: 0, stdout: '{ "interface": [', code: 'ubus/UNINTELLIGIBLE' },
])('exit $status, "$stderr" is $code', async ({ code, ...result }) => {
  const outcome = await ubusCall(program(result).processes, 'network.interface', 'dump');

  expect(outcome).toMatchObject({ ok: false, failure: { code, scope: 'attempt' } });
});

test.for([
  {
    status: 255,
    stderr: "Error while registering for event 'network.interface': Not found\n",
    code: 'ubus/NOT_FOUND',
  },
  {
    status: 255,
    stderr: "Error while registering for event '*': Permission denied\n",
    code: 'ubus/PERMISSION',
  },
  { status: 0, stderr: '', code: 'ubus/STOPPED' },
  { status: -1, stderr: '', code: 'ubus/STOPPED' },
  { status: -1, stderr: 'spawn ubus ENOENT', code: 'ubus/MISSING' },
])('a held child that ends with $status, "$stderr" is $code', ({ code, ...result }) => {
  expect(ubusEnd('ubus listen x', { stdout: '', ...result })).toMatchObject({ code });
});

test('the message of a call never shows up in its failure', async () => {
  const stderr = 'Command failed: ubus call uci set {"password":"correct-horse"} (Permission denied)';
  const outcome = await ubusCall(program({ status: 250, stderr }).processes, 'uci', 'set', {
    password: 'correct-horse',
  });

  expect(JSON.stringify(outcome)).not.toContain('correct-horse');
});
