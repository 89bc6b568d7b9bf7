/** A short run over every decoder of foreign octets, and all that longer runs have found. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { mutated, pumped, seededRandom } from './mutate.ts';
import { targets } from './targets.ts';
import { faultOf } from './try-input.ts';

const FOUND = new URL('./found/', import.meta.url);
const INPUTS = 300;
const PUMPED_OCTETS = 32 * 1024;

describe.each(targets().map((target) => [target.name, target] as const))('%s', (name, target) => {
  test('takes its own seeds', async () => {
    for (const seed of target.seeds) {
      expect(await faultOf(target, seed)).toBeUndefined();
    }
  });

  test('keeps its promise whatever it reads', async () => {
    const random = seededRandom(1);
    const pick = () => target.seeds[Math.floor(random() * target.seeds.length)] ?? new Uint8Array();

    for (let count = 0; count < INPUTS; count++) {
      const input = mutated(pick(), pick(), random);
      const longer = count % 50 === 0 ? pumped(input, PUMPED_OCTETS, random) : input;
      const fault = await faultOf(target, longer);
      expect(
        fault,
        `input ${count}: ${Buffer.from(longer).toString('base64').slice(0, 400)}`,
      ).toBeUndefined();
    }
  });

  test('has learned from what was found', async () => {
    const files = readdirSync(FOUND).filter((file) => file.startsWith(`${name}-`));

    for (const file of files) {
      expect(
        await faultOf(target, Uint8Array.from(readFileSync(new URL(file, FOUND)))),
        file,
      ).toBeUndefined();
    }
  });
});

test('the fuzzer notices a throw, a broken promise and a changed prototype', async () => {
  const throwing = { name: 'x', seeds: [], run: () => JSON.parse('{') };
  const polluting = {
    name: 'x',
    seeds: [],
    run: () => void Reflect.set(Object.prototype, 'polluted', 1),
  };

  expect(await faultOf(throwing, new Uint8Array())).toContain('SyntaxError');
  expect(await faultOf(polluting, new Uint8Array())).toContain('polluted');
  expect(Object.keys(Object.prototype)).toEqual([]);
});
