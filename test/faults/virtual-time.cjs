/**
 * Loaded before the agent (`node --require`): its clocks and timers run on the time of the test world, which
 * stands still while an answer is awaited and otherwise jumps from one timer to the next. Sockets, files and
 * children stay real. The parent says over IPC how far time may go: see `virtual-time.ts`.
 */
'use strict';
const childProcess = require('node:child_process');
const dgram = require('node:dgram');
const { existsSync } = require('node:fs');
const fs = require('node:fs/promises');
const net = require('node:net');

const real = {
  now: performance.now.bind(performance),
  setTimeout,
  setImmediate,
  Date,
};
/** Real milliseconds after which an answer is given up that nobody has declared to be missing. */
const PATIENCE_MS = 4000;
/** Turns of the event loop without work before time goes on: promises start work a turn later. */
const QUIET_TURNS = 3;
const LOOK_EVERY_MS = 1;
const TELL_EVERY_MS = 15;

const start = JSON.parse(process.env.HOLDFAST_VIRTUAL_TIME);
let nowMs = start.monotonicMs;
let epochMs = start.wallMs - start.monotonicMs;
/** Time goes no further than this. */
let limitMs = nowMs;
/** Virtual milliseconds in a real one; nothing: as fast as can be. */
let rate = start.rate;

// ---- clocks

class VirtualDate extends real.Date {
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
Object.defineProperty(performance, 'now', { value: () => nowMs });
process.hrtime = Object.assign(
  (before = [0, 0]) => {
    const nanoseconds =
      BigInt(Math.floor(nowMs * 1e6)) - (BigInt(before[0]) * 1_000_000_000n + BigInt(before[1]));
    return [Number(nanoseconds / 1_000_000_000n), Number(nanoseconds % 1_000_000_000n)];
  },
  { bigint: () => BigInt(Math.floor(nowMs * 1e6)) },
);

/** Jitter in its middle, so that the same happens each time. What must be unpredictable comes from elsewhere. */
Math.random = () => 0.5;

// ---- timers

const timers = new Set();

class VirtualTimer {
  constructor(run, delayMs, args, repeat) {
    Object.assign(this, { run, args, repeat, delayMs: Math.max(1, Number(delayMs) || 1), held: true });
    this.refresh();
  }

  refresh() {
    this.dueMs = nowMs + this.delayMs;
    timers.add(this);
    return this;
  }

  ref() {
    this.held = true;
    return this;
  }

  unref() {
    this.held = false;
    return this;
  }

  hasRef() {
    return this.held;
  }

  fire() {
    if (this.repeat) {
      this.dueMs = nowMs + this.delayMs;
    } else {
      timers.delete(this);
    }
    this.run(...this.args);
  }
}

function end(timer) {
  timers.delete(timer);
}
globalThis.setTimeout = (run, delayMs, ...args) => new VirtualTimer(run, delayMs, args, false);
globalThis.setInterval = (run, delayMs, ...args) => new VirtualTimer(run, delayMs, args, true);
globalThis.clearTimeout = end;
globalThis.clearInterval = end;

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

const sockets = new Set();
const children = new Set();
/** Ports of ours that get no answer, by the parent's word. */
const silent = new Set();

function watch(set, one, ending) {
  set.add(one);
  one.once(ending, () => {
    set.delete(one);
    silent.delete(one.virtualPort);
  });
}

const createSocket = dgram.createSocket;
dgram.createSocket = (...args) => {
  const socket = createSocket(...args);
  watch(sockets, socket, 'close');
  return socket;
};
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  watch(sockets, this, 'close');
  return connect.apply(this, args);
};
for (const name of ['spawn', 'execFile']) {
  const begin = childProcess[name];
  childProcess[name] = (...args) => {
    const child = begin(...args);
    // Those that are held for as long as the agent lives are nothing to wait for.
    if (!child.spawnargs.some((word) => word === 'subscribe' || word === 'listen' || word === 'monitor')) {
      watch(children, child, 'close');
    }
    return child;
  };
}

function portOf(socket) {
  if (socket instanceof net.Socket) {
    return socket.localPort;
  }
  try {
    return socket.address().port;
  } catch {
    return undefined;
  }
}

function isAwaited(socket) {
  socket.virtualPort ??= portOf(socket);
  const idle = socket instanceof net.Socket && socket._handle?.hasRef?.() === false;
  return !idle && !silent.has(socket.virtualPort);
}

let lastWork = '';
let lastChangeMs = 0;

function isBusy() {
  const requests = process
    .getActiveResourcesInfo()
    .filter((name) => /^(FSReq|CloseReq|GetAddrInfo)/.test(name));
  const awaited = [...sockets].filter(isAwaited).map((socket) => socket.virtualPort ?? 'new');
  const work = [...requests, ...awaited, children.size].join();
  if (work !== lastWork) {
    lastWork = work;
    lastChangeMs = real.now();
  }
  return requests.length + awaited.length + children.size > 0 && real.now() - lastChangeMs < PATIENCE_MS;
}

// ---- a disk that takes nothing

/** Error code of every attempt to write below the folder; undefined: the disk is fine. */
let diskFault;
for (const name of ['open', 'writeFile', 'rename', 'mkdir', 'rm']) {
  const act = fs[name];
  fs[name] = async (path, ...rest) => {
    const writes = name !== 'open' || (rest[0] ?? 'r') !== 'r';
    const exists = name === 'mkdir' && existsSync(path);
    if (diskFault && writes && !exists && String(path).startsWith(diskFault.below)) {
      throw Object.assign(new Error(`${diskFault.code}: ${name} '${path}'`), { code: diskFault.code, path });
    }
    return act(path, ...rest);
  };
}

// ---- time goes on

let quietTurns = 0;
let lastStepMs = real.now();
let lastToldMs = 0;
let arrived = true;

function turn() {
  const beforeMs = lastStepMs;
  lastStepMs = real.now();
  if (isBusy()) {
    quietTurns = 0;
    real.setTimeout(turn, LOOK_EVERY_MS);
    return;
  }
  quietTurns += 1;
  if (quietTurns < QUIET_TURNS) {
    real.setImmediate(turn);
    return;
  }
  const next = earliest();
  const reachMs = rate === undefined ? limitMs : Math.min(limitMs, nowMs + (lastStepMs - beforeMs) * rate);
  if (next && next.dueMs <= Math.max(reachMs, nowMs)) {
    nowMs = Math.max(nowMs, next.dueMs);
    tell(false);
    quietTurns = 0;
    real.setImmediate(turn);
    next.fire();
    return;
  }
  nowMs = Math.max(nowMs, reachMs);
  tell(nowMs >= limitMs);
  rest();
}

/** The process lives as long as a timer of its own would keep it alive. */
function rest() {
  const timer = real.setTimeout(turn, LOOK_EVERY_MS);
  if (![...timers].some((one) => one.held)) {
    timer.unref();
  }
}

function tell(atLimit) {
  if (process.connected && ((atLimit && !arrived) || lastStepMs - lastToldMs > TELL_EVERY_MS)) {
    lastToldMs = lastStepMs;
    arrived = arrived || atLimit;
    process.send({ monotonicMs: nowMs, arrived: atLimit }, () => {});
  }
}

process.on('message', (message) => {
  if ('silent' in message) {
    silent.add(message.silent);
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
  if ('signal' in message) {
    // In order with the other messages, which a signal of the kernel would not be.
    process.emit(message.signal);
  }
  if ('diskFault' in message) {
    diskFault = message.diskFault ?? undefined;
  }
});
// Without its world there is no time, and nothing to live for.
process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  real.setTimeout(() => process.exit(1), PATIENCE_MS).unref();
});
process.channel?.unref();
real.setImmediate(turn);
