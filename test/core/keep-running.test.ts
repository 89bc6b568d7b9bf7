/** A child that must always run: how soon it is started again, and when its end is an outage of its own. */
import { describe, expect, test } from 'vitest';
import { keepRunning } from '../../agent/core/keep-running.ts';

const SEC_MS = 1000;

/** A host whose children do what the test says. */
class Host {
  ms = 5000;
  starts = 0;
  readonly lines: string[] = [];
  readonly outages: string[] = [];
  readonly delaysMs: number[] = [];
  readonly children: { say(line: string): void; end(how: string): void; isEnded: boolean }[] = [];
  answer: 'again' | 'never' = 'again';
  waiting: (() => void) | undefined;

  readonly child = keepRunning<string>({
    spawn: (onLine, onEnd) => {
      const child = { say: onLine, end: onEnd, isEnded: false };
      this.children.push(child);
      return () => {
        child.isEnded = true;
      };
    },
    monotonicMs: () => this.ms,
    after: (delayMs, run) => {
      this.delaysMs.push(delayMs);
      this.waiting = run;
      return () => {
        this.waiting = undefined;
      };
    },
    onStart: () => {
      this.starts += 1;
    },
    onLine: (line) => this.lines.push(line),
    onOutage: (end) => {
      this.outages.push(end);
      return this.answer;
    },
  });

  /** The newest child lives so long, says this first, and ends; then comes its wait. */
  live(livedMs: number, line?: string): void {
    const child = this.children.at(-1);
    if (line !== undefined) {
      child?.say(line);
    }
    this.ms += livedMs;
    child?.end(`after ${livedMs} ms`);
    this.ms += this.delaysMs.at(-1) ?? 0;
    this.waiting?.();
  }
}

describe('a child', () => {
  test.each<{ name: string; lives: [livedMs: number, line?: string][]; delays: number[]; outages: number }>([
    {
      name: 'that ends at once again and again comes back later and later',
      lives: [[0], [0], [0], [0], [0], [0], [0]],
      delays: [1, 2, 4, 8, 16, 30, 30],
      outages: 1,
    },
    {
      name: 'that lived a minute was healthy',
      lives: [[0], [0], [60 * SEC_MS], [0]],
      delays: [1, 2, 1, 2],
      outages: 2,
    },
    {
      name: 'that lived nearly a minute in silence was not',
      lives: [[0], [0], [60 * SEC_MS - 1], [0]],
      delays: [1, 2, 4, 8],
      outages: 1,
    },
    {
      name: 'that has said something works',
      lives: [[0], [0], [0, 'a line'], [0]],
      delays: [1, 2, 1, 2],
      outages: 2,
    },
  ])('$name', ({ lives, delays, outages }) => {
    const host = new Host();

    for (const [livedMs, line] of lives) {
      host.live(livedMs, line);
    }

    expect(host.delaysMs).toEqual(delays.map((sec) => sec * SEC_MS));
    expect(host.outages).toHaveLength(outages);
    expect(host.starts).toBe(lives.length + 1);
  });

  test('of which nobody hopes for more is not started again', () => {
    const host = new Host();
    host.answer = 'never';

    host.live(0);

    expect([host.starts, host.delaysMs]).toEqual([1, []]);
  });

  test('that is started anew begins a new outage, and the old one is ended and heard no more', () => {
    const host = new Host();
    host.live(0);
    host.live(0);

    host.child.restart();
    const [old, young] = host.children.slice(-2);
    old?.say('late');
    old?.end('late');
    young?.end('early');

    expect([old?.isEnded, young?.isEnded]).toEqual([true, false]);
    expect(host.lines).toEqual([]);
    expect(host.delaysMs.map((ms) => ms / SEC_MS)).toEqual([1, 2, 1]);
    expect(host.outages).toEqual(['after 0 ms', 'early']);
  });

  test('that is stopped stays so, also while it waits to be started', () => {
    const [living, waiting] = [new Host(), new Host()];
    waiting.children[0]?.end('at once');

    for (const host of [living, waiting]) {
      host.child.stop();
      host.children[0]?.end('stopped');
    }

    expect(living.children[0]?.isEnded).toBe(true);
    expect([living.waiting, waiting.waiting]).toEqual([undefined, undefined]);
    expect([living.starts, waiting.starts]).toEqual([1, 1]);
  });
});
