import { expect, test } from 'vitest';
import { readArguments } from './wish.ts';

const DEFAULT = { json: false, help: false, replay: false, runtime: 'node' };

test.for([
  { args: [], wish: DEFAULT },
  { args: ['--json', '--mode', 'stand-in'], wish: { ...DEFAULT, json: true, mode: 'stand-in' } },
  {
    args: ['--mode', 'namespace', '--runtime', 'quickjs'],
    wish: { ...DEFAULT, mode: 'namespace', runtime: 'quickjs' },
  },
  { args: ['--replay', '2014'], wish: { ...DEFAULT, replay: true } },
  { args: ['-h'], wish: { ...DEFAULT, help: true } },
])('$args is understood', ({ args, wish }) => {
  expect(readArguments(args)).toEqual(wish);
});

test.for([
  { args: ['--mode', 'virtual'], sentence: "--mode must be namespace or stand-in, not 'virtual'." },
  { args: ['--runtime', 'deno'], sentence: "--runtime must be node or quickjs, not 'deno'." },
  { args: ['--replay', '2015'], sentence: "--replay knows 2014 alone, not '2015'." },
  { args: ['--replay'], sentence: expect.stringContaining('--replay') },
  { args: ['--fast'], sentence: expect.stringContaining('--fast') },
  { args: ['2014'], sentence: expect.stringContaining('2014') },
])('$args is refused with a sentence that names it', ({ args, sentence }) => {
  expect(readArguments(args)).toEqual(sentence);
});
