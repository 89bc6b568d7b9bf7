/**
 * Stands in for QuickJS's module `os` in a copy of the built agent: clocks and timers run on the time of the test
 * world, as `virtual-time.cjs` does on Node. While a child works, time passes as it does in truth, since `curl` has
 * a clock of its own; otherwise it jumps from one timer to the next. The parent speaks over descriptor 3.
 */
import * as os from 'quickjs:os';
import * as std from 'quickjs:std';

const CHANNEL = 3;
/** The channel is a socket, which could take nothing for a moment only. */
const EAGAIN = 11;
/** Real milliseconds: the loop looks at pipes and signals in between. */
const LOOK_EVERY_MS = 1;
const TELL_EVERY_MS = 15;
/** They are held for as long as the agent lives, and nothing to wait for. */
const HELD = ['subscribe', 'listen', 'monitor'];

const RealDate = Date;
const start = JSON.parse(std.getenviron().HOLDFAST_VIRTUAL_TIME);
/** The reader of the configuration has no use for time, and the channel is not its own. */
const isAgent = !/-reader\.mjs$/.test(scriptArgs[0]);
let nowMs = start.monotonicMs;
let epochMs = start.wallMs - start.monotonicMs;
let limitMs = nowMs;
let rate = start.rate;

// ---- clocks

class VirtualDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) {
      super(VirtualDate.now());
    } else {
      super(...args);
    }
  }

  static now() {
    return Math.floor(epochMs + nowMs);
  }
}
globalThis.Date = VirtualDate;
/** Jitter in its middle, so that the same happens each time. */
Math.random = () => 0.5;

function now() {
  return nowMs;
}

// ---- timers

const timers = new Set();

function setTimeout(run, delayMs) {
  const timer = { run, dueMs: nowMs + delayMs };
  timers.add(timer);
  return timer;
}

function clearTimeout(timer) {
  timers.delete(timer);
}

function earliest() {
  let first;
  for (const timer of timers) {
    if (first === undefined || timer.dueMs < first.dueMs) {
      first = timer;
    }
  }
  return first;
}

// ---- work under way

/** Children that have not ended, by process id; true: its server gives no answer, by the parent's word. */
const children = new Map();
/** Pipes whose end has not been read, with the child behind each. */
const pipes = new Map();
let lastChild;

function exec(argv, options) {
  const pid = os.exec(argv, options);
  lastChild = argv.some((word) => HELD.includes(word)) ? undefined : pid;
  if (lastChild !== undefined) {
    children.set(pid, false);
  }
  return pid;
}

function waitpid(pid, options) {
  const result = os.waitpid(pid, options);
  if (result[0] !== 0) {
    children.delete(pid);
  }
  return result;
}

function setReadHandler(fd, run) {
  os.setReadHandler(fd, run);
  if (run === null) {
    pipes.delete(fd);
  } else if (lastChild !== undefined) {
    pipes.set(fd, lastChild);
  }
}

function isBusy() {
  const silent = [...children].filter(([, isSilent]) => isSilent).map(([pid]) => pid);
  return children.size > silent.length || [...pipes.values()].some((pid) => !silent.includes(pid));
}

// ---- time goes on

let lastStepMs = os.now();
let lastToldMs = 0;
let arrived = true;

function turn() {
  const passedMs = os.now() - lastStepMs;
  lastStepMs += passedMs;
  const busy = isBusy();
  const reachMs = busy
    ? nowMs + passedMs
    : Math.min(limitMs, nowMs + passedMs * (rate ?? Number.POSITIVE_INFINITY));
  const next = earliest();
  if (next && next.dueMs <= Math.max(reachMs, nowMs)) {
    nowMs = Math.max(nowMs, next.dueMs);
    tell(false);
    timers.delete(next);
    os.setTimeout(turn, LOOK_EVERY_MS);
    next.run();
    return;
  }
  nowMs = Math.max(nowMs, reachMs);
  tell(!busy && nowMs >= limitMs);
  os.setTimeout(turn, LOOK_EVERY_MS);
}

function tell(atLimit) {
  if ((atLimit && !arrived) || lastStepMs - lastToldMs > TELL_EVERY_MS) {
    lastToldMs = lastStepMs;
    arrived = arrived || atLimit;
    const line = octetsOf(`${JSON.stringify({ monotonicMs: nowMs, arrived: atLimit })}\n`);
    while (os.write(CHANNEL, line.buffer, 0, line.length) === -EAGAIN) {
      os.sleep(LOOK_EVERY_MS);
    }
  }
}

function octetsOf(text) {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function obey(message) {
  if ('silentPid' in message && children.has(message.silentPid)) {
    children.set(message.silentPid, true);
  }
  if ('limitMs' in message) {
    limitMs = message.limitMs;
    arrived = false;
  }
  if ('wallMs' in message) {
    epochMs = message.wallMs - nowMs;
  }
  if ('rate' in message) {
    rate = message.rate ?? undefined;
  }
}

export const virtualOs = { ...os, now, setTimeout, clearTimeout, exec, waitpid, setReadHandler };

if (isAgent) {
  const buffer = new Uint8Array(4096);
  let rest = '';
  os.setReadHandler(CHANNEL, () => {
    const count = os.read(CHANNEL, buffer.buffer, 0, buffer.length);
    if (count === 0) {
      // Without its world there is no time, and nothing to live for.
      os.setReadHandler(CHANNEL, null);
      os.kill(os.getpid(), os.SIGTERM);
      return;
    }
    rest += String.fromCharCode(...buffer.subarray(0, Math.max(0, count)));
    const lines = rest.split('\n');
    rest = lines.pop();
    for (const line of lines) {
      obey(JSON.parse(line));
    }
  });
  os.setTimeout(turn, LOOK_EVERY_MS);
}
