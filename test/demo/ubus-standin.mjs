#!/usr/bin/env node
/**
 * Stands in for OpenWrt's `ubus` command where there is no netifd: demos and tests with real processes.
 * Link it as `ubus` into a folder of PATH and set HOLDFAST_UBUS_DIR to a folder with
 *
 *   dump.json    what `ubus call network.interface dump` prints; without it netifd does not run
 *   events.log   followed from its end: `subscribe {...}`, `listen {...}`, or `exit` (ubusd dies)
 *
 * Output, complaints and exit statuses are those of the real command.
 */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';

const OBJECT = 'network.interface';
const POLL_MS = 20;

const folder = process.env.HOLDFAST_UBUS_DIR ?? '';
const dumpFile = join(folder, 'dump.json');
const eventsFile = join(folder, 'events.log');
const [command, target = '', method] = process.argv.slice(2);

if (folder === '' || !existsSync(folder)) {
  fail(255, 'Failed to connect to ubus');
} else if (command === 'call') {
  call();
} else if (command === 'subscribe' && !(target === OBJECT && existsSync(dumpFile))) {
  fail(255, `Error while registering for event '${target}': Not found`);
} else if (command === 'subscribe' || command === 'listen') {
  follow(command === 'subscribe' ? subscriber() : listener());
} else {
  fail(255, 'Usage: ubus call network.interface dump | subscribe network.interface | listen PATTERN');
}

function fail(status, complaint) {
  process.stderr.write(`${complaint}\n`);
  process.exitCode = status;
}

function call() {
  const complaint = `Command failed: ubus ${process.argv.slice(2).join(' ')}`;
  if (target !== OBJECT || !existsSync(dumpFile)) {
    fail(252, `${complaint} (Not found)`);
  } else if (method !== 'dump') {
    fail(253, `${complaint} (Method not found)`);
  } else {
    process.stdout.write(`${JSON.stringify(JSON.parse(readFileSync(dumpFile, 'utf8')), null, '\t')}\n`);
  }
}

/** A subscription ends silently with the life of the object and never comes back. */
function subscriber() {
  let dead = false;
  return (stream, line) => {
    dead ||= stream === 'listen' && /"ubus\.object\.(add|remove)".*"path": ?"network\.interface"/.test(line);
    return stream === 'subscribe' && !dead;
  };
}

function listener() {
  const heard = (event) => (target.endsWith('*') ? event.startsWith(target.slice(0, -1)) : event === target);
  return (stream, line) => stream === 'listen' && heard(/"([^"]*)"/.exec(line)?.[1] ?? '');
}

/** Prints the lines that are meant for this command, as they are appended to the file of events. */
function follow(isMeant) {
  let offset = existsSync(eventsFile) ? statSync(eventsFile).size : 0;

  function readAppended() {
    if (!existsSync(eventsFile)) {
      return;
    }
    const file = openSync(eventsFile, 'r');
    try {
      const { size } = fstatSync(file);
      offset = size < offset ? 0 : offset;
      const bytes = Buffer.alloc(size - offset);
      const length = readSync(file, bytes, 0, bytes.length, offset);
      // A line that is still being written stays for the next time.
      const complete = bytes.subarray(0, bytes.lastIndexOf(10, length) + 1);
      offset += complete.length;
      complete.toString('utf8').split('\n').filter(Boolean).forEach(print);
    } finally {
      closeSync(file);
    }
  }

  function print(entry) {
    const [, stream, line] = /^(subscribe|listen|exit) ?(.*)$/.exec(entry) ?? [];
    if (stream === 'exit') {
      process.exit(0);
    }
    if (stream !== undefined && isMeant(stream, line)) {
      process.stdout.write(`${line}\n`);
    }
  }

  try {
    watch(folder, readAppended);
  } catch {
    // No inotify here, or no watch left.
    setInterval(readAppended, POLL_MS);
  }
}
