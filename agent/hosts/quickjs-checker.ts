/** The program that makes DNS checks, started by the agent; and what it reads. */
import * as os from 'quickjs:os';
import * as std from 'quickjs:std';
import { utf8 } from '../core/octets.ts';
import type { Clock, Host } from '../ports.ts';
import { startChild } from './quickjs-child.ts';
import { lineSplitter } from './quickjs-processes.ts';

const SIGKILL = 9;

/** `command` without any word where this agent has no such program. */
export function quickjsChecker(command: readonly string[], { after }: Pick<Clock, 'after'>): Host['checker'] {
  const program = command.at(-1);
  if (program === undefined || os.stat(program)[0] === null) {
    return undefined;
  }
  return (input, timeoutMs, onLine) =>
    new Promise((resolve) => {
      const lines = lineSplitter(onLine);
      const child = startChild(command, {
        input: utf8(input),
        onOutput: lines.add,
        onError() {},
        onEnd() {
          disarm();
          lines.end();
          resolve();
        },
      });
      const disarm = after(timeoutMs, () => {
        child.kill(SIGKILL);
        child.abandon();
      });
    });
}

/** All of standard input. */
export function readInput(): string {
  return std.in.readAsString();
}
