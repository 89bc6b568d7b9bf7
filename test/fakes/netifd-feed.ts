/**
 * A router's ubus with netifd behind it, as the `ubus` command shows it. It plays the recordings of
 * `test/fixtures/netifd` under a virtual clock and can be driven by hand. It keeps netifd's state, so
 * a dump at any moment fits what was notified.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Clock, Processes, RunResult, Stop } from '../../agent/ports.ts';

export interface NetifdFixture {
  name: string;
  description: string;
  dumpBefore: { interface: InterfaceStatus[] };
  /** `exit`: ubusd dies and both children with it; the first later `listen` line means that it is back. */
  steps: { atMs: number; stream: 'subscribe' | 'listen' | 'exit'; line: string }[];
}

export type InterfaceStatus = { interface: string; up: boolean } & Record<string, unknown>;

export interface NetifdFeed extends Processes {
  /** Every command so far, `run` and `lines` alike, in order. */
  readonly commands: { atMs: number; argv: readonly string[] }[];
  /** How many held children live. */
  living(): number;
  setDump(interfaces: InterfaceStatus[]): void;
  /** Sends a line to the children of a stream; a well-formed one changes the state of netifd as well. */
  emit(stream: 'subscribe' | 'listen', line: string): void;
  /** Notifies the whole status of an interface, as netifd does after each change. */
  notify(status: InterfaceStatus): void;
  /** Ends the children of one stream. */
  kill(stream: 'subscribe' | 'listen', result?: Partial<RunResult>): void;
  /** ubusd dies: all children end and nothing can be called until `startUbusd`. */
  killUbusd(): void;
  startUbusd(): void;
  /** Every call and every new child ends with this result, until called with nothing. */
  failWith(result?: Partial<RunResult>): void;
  /** A dump travels so long: the state is taken at half of it. */
  setCallDuration(durationMs: number): void;
  /** Schedules the steps of a fixture from now on. */
  play(steps: NetifdFixture['steps']): void;
}

interface Child {
  stream: 'subscribe' | 'listen';
  pattern: string;
  generation: number;
  onLine: (line: string) => void;
  onExit: (result: RunResult) => void;
}

const FOLDER = new URL('../fixtures/netifd/', import.meta.url);

/** One recording, e.g. `05-pd-change`. */
export function netifdFixture(name: string): NetifdFixture {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'));
}

export function netifdFixtureNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

/** A feed in the state that `fixture` begins with; call `play(fixture.steps)` to let it happen. */
export function netifdFeed(clock: Clock, fixture?: NetifdFixture): NetifdFeed {
  const state = new Map<string, InterfaceStatus>();
  const children = new Set<Child>();
  const commands: NetifdFeed['commands'] = [];
  let ubusd = true;
  let netifd = true;
  /** A subscription belongs to one life of the object `network.interface`. */
  let generation = 1;
  let failure: RunResult | undefined;
  let callMs = 0;

  function setDump(interfaces: InterfaceStatus[]): void {
    state.clear();
    for (const one of interfaces) {
      state.set(one.interface, one);
    }
  }
  setDump(fixture?.dumpBefore.interface ?? []);

  function answer(argv: readonly string[]): RunResult {
    const command = argv.join(' ');
    if (failure) {
      return failure;
    }
    if (argv[0] !== 'ubus') {
      return result({ status: -1, stderr: `spawn ${argv[0]} ENOENT` });
    }
    if (!ubusd) {
      return result({ status: 255, stderr: 'Failed to connect to ubus\n' });
    }
    if (command !== 'ubus call network.interface dump' || !netifd) {
      return result({ status: 252, stderr: `Command failed: ${command} (Not found)\n` });
    }
    return result({ stdout: `${JSON.stringify({ interface: [...state.values()] }, null, '\t')}\n` });
  }

  async function run(argv: readonly string[]): Promise<RunResult> {
    commands.push({ atMs: clock.monotonicMs(), argv });
    await wait(callMs / 2);
    const answered = answer(argv);
    await wait(callMs / 2);
    return answered;
  }

  async function wait(durationMs: number): Promise<void> {
    if (durationMs > 0) {
      await new Promise<void>((resolve) => clock.after(durationMs, resolve));
    }
  }

  function lines(
    argv: readonly string[],
    onLine: (line: string) => void,
    onExit: (result: RunResult) => void,
  ): Stop {
    commands.push({ atMs: clock.monotonicMs(), argv });
    const [program, stream, pattern = ''] = argv;
    const known = program === 'ubus' && (stream === 'subscribe' || stream === 'listen');
    const refusal = failure ?? (known ? refusalOf(stream, pattern) : answer(argv));
    if (!known || refusal) {
      // Programs end after the caller has gone on, never within the call.
      void Promise.resolve().then(() => onExit(refusal ?? result({})));
      return () => {};
    }
    const child: Child = { stream, pattern, generation, onLine, onExit };
    children.add(child);
    return () => end(child, result({ status: -1 }));
  }

  function refusalOf(stream: 'subscribe' | 'listen', object: string): RunResult | undefined {
    if (!ubusd) {
      return result({ status: 255, stderr: 'Failed to connect to ubus\n' });
    }
    return stream === 'subscribe' && !netifd
      ? result({ status: 255, stderr: `Error while registering for event '${object}': Not found\n` })
      : undefined;
  }

  function end(child: Child, how: RunResult): void {
    if (children.delete(child)) {
      void Promise.resolve().then(() => child.onExit(how));
    }
  }

  function kill(stream: 'subscribe' | 'listen', how: Partial<RunResult> = {}): void {
    for (const child of [...children].filter((one) => one.stream === stream)) {
      end(child, result(how));
    }
  }

  function emit(stream: 'subscribe' | 'listen', line: string): void {
    const [[name, body] = ['', {}]] = entriesOf(line);
    if (stream === 'subscribe' && typeof body.interface === 'string' && typeof body.up === 'boolean') {
      state.set(body.interface, { ...body, interface: body.interface, up: body.up });
    } else if (stream === 'listen' && typeof body.path === 'string') {
      objectEvent(name, body.path);
    }
    for (const child of [...children]) {
      const heard = stream === 'listen' ? name === child.pattern : child.generation === generation && netifd;
      if (child.stream === stream && (heard || name === '')) {
        child.onLine(line);
      }
    }
  }

  function objectEvent(event: string, path: string): void {
    const added = event === 'ubus.object.add';
    const name = path.startsWith('network.interface.') ? path.slice('network.interface.'.length) : undefined;
    if (path === 'network.interface') {
      netifd = added;
      generation += added ? 1 : 0;
    } else if (name !== undefined && !added) {
      state.delete(name);
    } else if (name !== undefined && !state.has(name)) {
      state.set(name, { interface: name, up: false });
    }
  }

  function killUbusd(): void {
    ubusd = false;
    netifd = false;
    kill('subscribe');
    kill('listen');
  }

  function play(steps: NetifdFixture['steps']): void {
    for (const { atMs, stream, line } of steps) {
      clock.after(atMs, () => {
        if (stream === 'exit') {
          killUbusd();
          return;
        }
        ubusd = true;
        emit(stream, line);
      });
    }
  }

  return {
    commands,
    run,
    lines,
    living: () => children.size,
    setDump,
    emit,
    notify: (status) => emit('subscribe', JSON.stringify({ 'interface.update': status })),
    kill,
    killUbusd,
    startUbusd() {
      ubusd = true;
      emit('listen', '{ "ubus.object.add": {"id":1,"path":"network.interface"} }');
    },
    failWith(how) {
      failure = how && result(how);
    },
    setCallDuration(durationMs) {
      callMs = durationMs;
    },
    play,
  };
}

function result({ status = 0, stdout = '', stderr = '' }: Partial<RunResult>): RunResult {
  return { status, stdout, stderr };
}

/** The single `{ name: { ... } }` of a line; nothing for a line that is broken on purpose. */
function entriesOf(line: string): [string, Record<string, unknown>][] {
  try {
    return Object.entries(JSON.parse(line) ?? {}).map(([name, body]) => [name, Object(body)]);
  } catch {
    return [];
  }
}
