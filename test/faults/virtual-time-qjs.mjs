/**
 * Stands in for QuickJS's module `os` in a copy of the built agent: clocks and timers run on the time of the test
 * world, as `virtual-time.cjs` does on Node. While a child works, time passes as it does in truth, since `curl` has
 * a clock of its own; otherwise it jumps from one timer to the next. The parent speaks over descriptor 3 with the
 * agent. A program that makes checks for it has a time of its own, which begins and ends with the agent's.
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
/** The reader of the configuration has no use for time. */
const [, role = 'agent'] = /-(reader|checker)\.mjs$/.exec(scriptArgs[0]) ?? [];
const CLOCK_FILE = `${start.folder}/clock`;
let nowMs = start.monotonicMs;
let epochMs = start.wallMs - start.monotonicMs;
let limitMs = role === 'agent' ? nowMs : Number.POSITIVE_INFINITY;
let rate = role === 'agent' ? start.rate : undefined;

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

/** Process ids of children that have not ended. */
const children = new Set();
/** Pipes whose end has not been read, with the child behind each. */
const pipes = new Map();
/** Their servers give no answer. */
const silent = new Set();
let lastChild;

/** A file for each child that works; the parent writes into it when its server gives no answer. */
function fileOf(pid) {
  return `${start.folder}/${pid}`;
}

function exec(argv, options) {
  if (argv[0] === 'sleep') {
    // Its seconds would be real ones; without it the agent waits by timers.
    throw new Error('there is no sleep in this world');
  }
  const time = { ...start, monotonicMs: nowMs, wallMs: epochMs + nowMs };
  const env = { ...options.env, HOLDFAST_VIRTUAL_TIME: JSON.stringify(time) };
  const pid = os.exec(argv, { ...options, env });
  lastChild = argv.some((word) => HELD.includes(word)) ? undefined : pid;
  if (lastChild !== undefined) {
    children.add(pid);
    silent.delete(pid);
    writeText(fileOf(pid), '');
  }
  return pid;
}

function waitpid(pid, options) {
  const result = os.waitpid(pid, options);
  if (result[0] !== 0 && children.delete(pid)) {
    os.remove(fileOf(pid));
    // What it has lived through has passed here too.
    nowMs = Math.max(nowMs, Number(std.loadFile(CLOCK_FILE) ?? 0));
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
  for (const pid of children) {
    if (!silent.has(pid) && os.stat(fileOf(pid))[0]?.size > 0) {
      silent.add(pid);
    }
  }
  return children.size > [...children].filter((pid) => silent.has(pid)).length || hasOpenPipe();
}

function hasOpenPipe() {
  return [...pipes.values()].some((pid) => !silent.has(pid));
}

function writeText(path, text) {
  const file = std.open(path, 'w');
  file.puts(text);
  file.close();
}

// ---- time goes on

let lastStepMs = os.now();
let lastToldMs = 0;
let arrived = true;

function turn() {
  const passedMs = os.now() - lastStepMs;
  lastStepMs += passedMs;
  const busy = isBusy();
  const next = earliest();
  const dueMs = next?.dueMs ?? Number.POSITIVE_INFINITY;
  let reachMs = nowMs + passedMs;
  if (!busy) {
    const freeMs = rate === undefined ? Math.max(nowMs, dueMs) : nowMs + passedMs * rate;
    reachMs = Math.min(limitMs, freeMs);
  }
  os.setTimeout(turn, LOOK_EVERY_MS);
  if (dueMs <= Math.max(reachMs, nowMs)) {
    pass(dueMs);
    tell(false);
    timers.delete(next);
    next.run();
  } else {
    pass(reachMs);
    tell(!busy && nowMs >= limitMs);
  }
}

function pass(untilMs) {
  if (untilMs > nowMs && untilMs < Number.POSITIVE_INFINITY) {
    nowMs = untilMs;
    if (role === 'checker') {
      writeText(CLOCK_FILE, String(nowMs));
    }
  }
}

function tell(atLimit) {
  if (role === 'agent' && ((atLimit && !arrived) || lastStepMs - lastToldMs > TELL_EVERY_MS)) {
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

if (role === 'agent') {
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
}
if (role !== 'reader') {
  os.setTimeout(turn, LOOK_EVERY_MS);
}
