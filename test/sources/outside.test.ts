import { describe, expect, test } from 'vitest';
import type { Family } from '../../agent/core/address.ts';
import type { Observation, WanInterface } from '../../agent/core/wan.ts';
import type { AddressSource } from '../../agent/ports.ts';
import { type Answer, type AskedWan, outsideSource } from '../../agent/sources/outside.ts';
import { sharedSource } from '../../agent/sources/shared.ts';
import { virtualClock } from '../fakes/virtual-clock.ts';

const PUBLIC = '198.51.100.1';
const NEW = '198.51.100.2';

function wan(name: string, addresses: string[], more: Partial<WanInterface> = {}): WanInterface {
  return {
    name,
    up: true,
    device: `dev-${name}`,
    addresses: addresses.map((address) => ({ address, prefixLength: address.includes(':') ? 64 : 24 })),
    prefixes: [],
    defaultRoute: ['ipv4'],
    ...more,
  };
}

function down(name: string): WanInterface {
  return { name, up: false, addresses: [], prefixes: [], defaultRoute: [] };
}

function known(...interfaces: WanInterface[]): Observation {
  return { known: true, snapshot: Object.fromEntries(interfaces.map((one) => [one.name, one])) };
}

const UNKNOWN: Answer = { unknown: { code: 'source/NO_ANSWER', sentence: 'Nobody answers.' } };
const ONE = known(wan('wan', ['192.0.2.1']));

/** A source over a base and an outside that say what they are told to; answers take `latencyMs`. */
function world(start: Observation, { networks = ['wan'], families = ['ipv4'] as Family[] } = {}) {
  const clock = virtualClock();
  const state = { base: start, answer: { addresses: [PUBLIC] } as Answer, latencyMs: 100 };
  const asked: { atMs: number; wan: AskedWan; family: Family }[] = [];
  const hints: (Observation | undefined)[] = [];
  let hint: (observation?: Observation) => void = () => {};
  const base: AddressSource = {
    read: async () => state.base,
    watch(onHint) {
      hint = onHint;
      return () => {
        hint = () => {};
      };
    },
  };
  const source = outsideSource({
    base,
    networks,
    families,
    clock,
    random: () => 0.5,
    async ask(wan, family) {
      asked.push({ atMs: clock.monotonicMs(), wan, family });
      const { answer } = state;
      await new Promise<void>((resolve) => clock.after(state.latencyMs, resolve));
      return answer;
    },
  });
  const stop = source.watch((observation) => hints.push(observation));
  return {
    clock,
    state,
    asked,
    hints,
    source,
    stop,
    async read(): Promise<Observation> {
      const reading = source.read();
      await clock.advance(1000);
      return reading;
    },
    hintNow: (observation: Observation) => hint(observation),
    async becomes(observation: Observation): Promise<void> {
      state.base = observation;
      hint(observation);
      await clock.settle();
    },
  };
}

/** `wan: ADDRESS ...` for each interface, `?CODE` for what is unknown. */
function shown(observation: Observation | undefined): string[] {
  return observation?.known !== true
    ? [String(observation?.code)]
    : Object.values(observation.snapshot).map(
        ({ name, addresses, unknown }) =>
          `${name}: ${[...addresses.map((one) => one.address), ...Object.values(unknown ?? {}).map(({ code }) => `?${code}`)].join(' ')}`,
      );
}

describe('a reading', () => {
  test('has what the outside saw, and keeps what is local apart', async () => {
    const it = world(ONE);

    const observation = await it.read();

    expect(observation).toEqual({
      known: true,
      snapshot: {
        wan: {
          ...wan('wan', []),
          addresses: [{ address: PUBLIC, prefixLength: 32 }],
          local: [{ address: '192.0.2.1', prefixLength: 24 }],
        },
      },
    });
  });

  test('asks for the interfaces in question, each through itself', async () => {
    const it = world(
      known(
        wan('wan', ['192.0.2.1']),
        wan('wanb', ['192.0.2.129'], { gateway: '192.0.2.130' }),
        wan('lan', ['10.0.0.1']),
      ),
      {
        networks: ['wan', 'wanb'],
      },
    );

    const observation = await it.read();

    expect(it.asked.map(({ wan }) => wan)).toEqual([
      { network: 'wan', device: 'dev-wan', local: '192.0.2.1' },
      { network: 'wanb', device: 'dev-wanb', local: '192.0.2.129', gateway: '192.0.2.130' },
    ]);
    expect(shown(observation)).toEqual([`wan: ${PUBLIC}`, `wanb: ${PUBLIC}`, 'lan: ']);
  });

  test.each<{ name: string; base: Observation; families: Family[]; asked: string[]; expected: string[] }>([
    {
      name: 'an interface that is down',
      base: known(down('wan')),
      families: ['ipv4'],
      asked: [],
      expected: ['wan: '],
    },
    {
      name: 'a family without a local address',
      base: ONE,
      families: ['ipv4', 'ipv6'],
      asked: ['192.0.2.1'],
      expected: [`wan: ${PUBLIC}`],
    },
    {
      name: 'a link-local address is no way out',
      base: known(wan('wan', ['169.254.0.7'])),
      families: ['ipv4'],
      asked: [],
      expected: ['wan: '],
    },
    {
      name: 'IPv6 of a companion on the same device',
      base: known(wan('wan', ['192.0.2.1']), wan('wan6', ['2001:db8::1'], { device: 'dev-wan' })),
      families: ['ipv6'],
      asked: ['2001:db8::1'],
      expected: [`wan: ${PUBLIC}`, 'wan6: '],
    },
    {
      name: 'a lasting address goes before a temporary one',
      base: known(
        wan('wan', [], {
          addresses: [
            { address: '2001:db8::77', prefixLength: 64, temporary: true },
            { address: '2001:db8::1', prefixLength: 64 },
          ],
        }),
      ),
      families: ['ipv6'],
      asked: ['2001:db8::1'],
      expected: [`wan: ${PUBLIC}`],
    },
    {
      name: 'a base that does not know',
      base: { known: false, code: 'ubus/TIMEOUT', sentence: 'No answer.' },
      families: ['ipv4'],
      asked: [],
      expected: ['ubus/TIMEOUT'],
    },
  ])('$name', async ({ base, families, asked, expected }) => {
    const it = world(base, { families });

    expect(shown(await it.read())).toEqual(expected);
    expect(it.asked.map(({ wan }) => wan.local)).toEqual(asked);
  });

  test('unknown stays unknown, for this family of this interface', async () => {
    const it = world(ONE);
    it.state.answer = UNKNOWN;

    const observation = await it.read();

    expect(observation).toMatchObject({
      snapshot: { wan: { addresses: [], unknown: { ipv4: { code: 'source/NO_ANSWER' } } } },
    });
  });
});

describe('others are asked', () => {
  test('at most every five minutes while nothing changes', async () => {
    const it = world(ONE);
    for (let minute = 0; minute < 11; minute++) {
      expect(shown(await it.read())).toEqual([`wan: ${PUBLIC}`]);
      await it.clock.advance(59_000);
    }

    expect(it.asked.map(({ atMs }) => Math.round(atMs / 60_000))).toEqual([0, 6]);
  });

  test('again at once where they did not know', async () => {
    const it = world(ONE);
    it.state.answer = UNKNOWN;
    await it.read();
    it.state.answer = { addresses: [PUBLIC] };

    expect(shown(await it.read())).toEqual([`wan: ${PUBLIC}`]);
  });

  test('again at once after the interface has changed', async () => {
    const it = world(ONE);
    await it.read();
    await it.clock.advance(60_000);
    it.state.base = known(wan('wan', ['192.0.2.2']));
    it.state.answer = { addresses: [NEW] };

    expect(shown(await it.read())).toEqual([`wan: ${NEW}`]);
  });

  test('but not more often than every ten seconds, however the interface flaps', async () => {
    const it = world(ONE);
    for (let second = 0; second < 60; second++) {
      it.state.base = known(wan('wan', [`192.0.2.${second + 1}`]));
      await it.read();
    }

    expect(it.asked.length).toBeGreaterThan(3);
    expect(it.asked.length).toBeLessThanOrEqual(7);
  });
});

describe('hints', () => {
  test('another interface is none', async () => {
    const it = world(ONE);
    await it.read();

    await it.becomes(known(wan('wan', ['192.0.2.1']), wan('lan', ['10.0.0.2'])));

    expect(it.hints).toEqual([]);
  });

  test('an interface that goes down is told at once', async () => {
    const it = world(ONE);
    await it.read();

    await it.becomes(known(down('wan')));

    expect(it.hints.map(shown)).toEqual([['wan: ']]);
  });

  test('after a change the old answer holds no longer, and a reading is asked for', async () => {
    const it = world(ONE);
    await it.read();
    await it.clock.advance(60_000);

    await it.becomes(known(wan('wan', ['192.0.2.2'])));

    expect(it.hints.map(shown)).toEqual([['wan: ?source/ASKING'], ['undefined']]);
  });

  test('a default route that comes later is one', async () => {
    const it = world(known(wan('wan', ['192.0.2.1'], { defaultRoute: [] })));
    it.state.answer = UNKNOWN;
    await it.read();

    await it.becomes(ONE);

    expect(it.hints).toHaveLength(2);
  });

  test('what the base does not know is passed on', async () => {
    const it = world(ONE);

    await it.becomes({ known: false, code: 'ubus/TIMEOUT', sentence: 'No answer.' });

    expect(it.hints.map(shown)).toEqual([['ubus/TIMEOUT']]);
  });

  test('what comes while the base is read counts only if it is something else', async () => {
    const it = world(ONE);
    const reading = it.source.read();
    await it.becomes(ONE);
    await it.clock.advance(1000);
    await reading;
    expect(it.hints).toEqual([]);

    const again = it.source.read();
    it.hintNow(known(down('wan')));
    await it.clock.advance(1000);
    await again;
    expect(it.hints.map(shown)).toEqual([['wan: ']]);
  });

  test('none comes after the end of the watch', async () => {
    const it = world(ONE);
    await it.read();
    it.stop();

    await it.becomes(known(down('wan')));

    expect(it.hints).toEqual([]);
  });
});

describe('a base with several readers', () => {
  function shared() {
    const state = { base: ONE, watches: 0 };
    let hint: (observation?: Observation) => void = () => {};
    const view = sharedSource({
      read: async () => state.base,
      watch(onHint) {
        state.watches += 1;
        hint = onHint;
        return () => {
          state.watches -= 1;
        };
      },
    });
    const readers = [view(), view()].map((source) => {
      const hints: (Observation | undefined)[] = [];
      return { source, hints, stop: source.watch((observation) => hints.push(observation)) };
    });
    return { state, readers, hint: (observation?: Observation) => hint(observation) };
  }

  test('is watched once, and no longer when nobody watches', () => {
    const { state, readers } = shared();
    expect(state.watches).toBe(1);

    for (const { stop } of readers) {
      stop();
    }

    expect(state.watches).toBe(0);
  });

  test('tells all of them', () => {
    const { readers, hint } = shared();
    hint(ONE);
    hint();

    expect(readers.map(({ hints }) => hints)).toEqual([
      [ONE, undefined],
      [ONE, undefined],
    ]);
  });

  test('what one has read is a hint for the other, once', async () => {
    const { readers, state } = shared();
    await readers[0]?.source.read();
    await readers[1]?.source.read();
    state.base = known(down('wan'));
    await readers[0]?.source.read();
    await readers[0]?.source.read();

    expect(readers.map(({ hints }) => hints.map(shown))).toEqual([[], [['wan: 192.0.2.1'], ['wan: ']]]);
  });
});
