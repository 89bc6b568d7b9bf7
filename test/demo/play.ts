/** Plays the scenes of a stage, one after the other, and measures each from the change to the proof in DNS. */
import type { RuntimeCommand } from '../quickjs/runtime.ts';
import { type AgentProcess, HOLD_DOWN_SEC, startAgent } from './agent-process.ts';
import { type Made, pause } from './cleanup.ts';
import type { SeenRequest } from './isp-process.ts';
import type { Screen } from './screen.ts';
import type { Expected, Mode, Scene, Stage } from './stage.ts';

/** Times in milliseconds from the change; absent: it never came. */
export interface Measured {
  title: string;
  kind: 'start' | 'change' | 'no change';
  hostname: string;
  address: string;
  /** The update request was at the provider. */
  requestMs?: number;
  /** The demo itself got the new address from every authoritative server. */
  answerMs?: number;
  /** The agent said the same in its status; the later of the two. */
  verifiedMs?: number;
  /** Published and proven; for a scene without a change: not one request. */
  ok: boolean;
}

export interface Result {
  mode: Mode;
  ok: boolean;
  changes: Measured[];
  requests: number;
  /** All but the first that carried an address which had to be published. */
  needless: number;
}

/** How long a change may take before it counts as lost: a lost first packet costs some seconds. */
const CONVERGE_LIMIT_MS = 10_000;
/** So long after the last step of a scene without a change, no request may have come. */
const QUIET_MS = 1000;
const POLL_MS = 10;
/** The hold-down ends a moment after it should: clocks of two processes, rounded. */
const MARGIN_MS = 150;

export async function play(
  made: Made,
  folder: string,
  stage: Stage,
  screen: Screen,
  command: RuntimeCommand,
): Promise<Result> {
  const { isp } = stage;
  const changes: Measured[] = [];
  const lastReply = new Map<string, string>();
  const sentMs = new Map<string, number[]>();
  const needed = new Set<SeenRequest>();

  isp.onRequest((request) => {
    const { atMs, path, query, reply } = request;
    const hostname = query.hostname ?? '';
    lastReply.set(hostname, reply);
    screen.step('request sent', `GET ${path}?hostname=${hostname}&myip=${query.myip ?? ''}`, atMs);
    const account = isp.service.accounts.find((one) => one.hosts.includes(hostname))?.username ?? '';
    sentMs.set(account, [...(sentMs.get(account) ?? []), atMs]);
  });

  let agent: AgentProcess | undefined;
  await playScene('start', {
    title: 'The agent starts: nothing is published yet',
    expected: stage.atStart,
    leadMs: 0,
    async perform(tell) {
      const started = startAgent(made, folder, stage, command);
      agent = started;
      tell('start', 'node dist/holdfast.cjs run', started.startedMs);
      started.onEvent(({ code, level, sentence, host }, atMs) => {
        const hostname = stage.atStart.find((one) => one.section === host)?.hostname ?? '';
        screen.step(
          STEPS[code] ?? (level === 'error' ? 'trouble' : 'agent'),
          code === 'update/CONFIRMED' ? `${lastReply.get(hostname)} (${hostname})` : sentence,
          atMs,
        );
      });
      return started.startedMs;
    },
  });
  for (const scene of stage.scenes) {
    await playScene(scene.expected.length > 0 ? 'change' : 'no change', scene);
  }
  await pause(QUIET_MS);

  const requests = isp.requests();
  const needless = requests.filter((request) => !needed.has(request)).length;
  return {
    mode: stage.mode,
    ok: changes.every((one) => one.ok) && needless === 0,
    changes,
    requests: requests.length,
    needless,
  };

  async function playScene(kind: Measured['kind'], scene: Scene): Promise<void> {
    screen.title(scene.title);
    await sitOutHoldDown(scene);
    const before = isp.requests().length;
    const proofs = scene.expected.map((expected) => startProof(expected, before));
    const changedMs = await scene.perform((what, text, atMs = Date.now()) => {
      if (what === 'change' || what === 'start') {
        screen.zero(atMs);
      }
      screen.step(what, text, atMs);
    });
    screen.zero(changedMs);
    for (const proof of proofs) {
      changes.push({ title: scene.title, kind, ...(await proof(changedMs)) });
    }
    if (kind === 'no change') {
      await pause(QUIET_MS);
      const ok = isp.requests().length === before;
      screen.step(
        ok ? 'quiet' : 'trouble',
        ok ? 'no request: nothing is to be said' : 'a request',
        Date.now(),
      );
      changes.push({ title: scene.title, kind, hostname: '', address: '', ok });
    }
    screen.endScene();
    const complaint = agent?.complaint();
    if (complaint !== undefined) {
      throw new Error(complaint);
    }
  }

  /** Looks for the answer in DNS from now on; the result waits for request, answer and the agent's word. */
  function startProof(expected: Expected, before: number) {
    const { hostname, family, address } = expected;
    const type = family === 'ipv4' ? 'A' : 'AAAA';
    let answeredMs: number | undefined;
    void isp
      .witness({ hostname, type, address, timeoutMs: 2 * CONVERGE_LIMIT_MS })
      .then(({ atMs, servers }) => {
        answeredMs = atMs;
        screen.step(
          'DNS answer',
          `${hostname} ${type} ${address}, says ${servers.map(shortName).join(' and ')}`,
          atMs,
        );
      });
    const requested = () =>
      isp
        .requests()
        .slice(before)
        .find((request) => carries(request, expected));
    return async (changedMs: number): Promise<Omit<Measured, 'title' | 'kind'>> => {
      const limitMs = Date.now() + CONVERGE_LIMIT_MS;
      let verifiedMs: number | undefined;
      while (verifiedMs === undefined && Date.now() < limitMs && agent?.complaint() === undefined) {
        await pause(POLL_MS);
        const ownMs = agent?.verifiedMs(expected);
        verifiedMs =
          ownMs === undefined || answeredMs === undefined ? undefined : Math.max(ownMs, answeredMs);
      }
      const since = (atMs: number | undefined) =>
        atMs === undefined ? undefined : Math.round(atMs - changedMs);
      const request = requested();
      const requestMs = since(request?.atMs);
      if (request) {
        needed.add(request);
      }
      if (verifiedMs === undefined) {
        const missing = [
          ...(requestMs === undefined ? ['no request'] : []),
          ...(answeredMs === undefined ? ['not in DNS'] : []),
          'not verified by the agent',
        ];
        screen.step('trouble', `${hostname} ${address}: ${missing.join(', ')}`, Date.now());
      }
      return {
        hostname,
        address,
        requestMs,
        answerMs: since(answeredMs),
        verifiedMs: since(verifiedMs),
        ok: requestMs !== undefined && verifiedMs !== undefined,
      };
    };
  }

  /** After each update of an account the next one waits, twice as long each time. */
  async function sitOutHoldDown({ expected, leadMs }: Scene): Promise<void> {
    const freeMs = expected.map(({ account }) => {
      const sent = sentMs.get(account) ?? [];
      return (sent.at(-1) ?? 0) + HOLD_DOWN_SEC * 1000 * 2 ** (sent.length - 1) + MARGIN_MS;
    });
    const waitMs = Math.max(0, ...freeMs) - leadMs - Date.now();
    if (waitMs > 0) {
      const seconds = (waitMs / 1000).toFixed(1);
      screen.step(
        'demo',
        `waits ${seconds} s, or the agent would: hold-down after the last update`,
        Date.now(),
      );
      await pause(waitMs);
    }
  }
}

/** Events of the agent that are steps of every change; the others are shown as they are. */
const STEPS: Record<string, string> = {
  'wan/CHANGED': 'change seen',
  'wan/SAME': 'no change',
  'update/CONFIRMED': 'reply',
  'authority/OK': 'verified',
};

function carries({ query }: SeenRequest, { hostname, address }: Expected): boolean {
  return (
    (query.hostname ?? '').split(',').includes(hostname) && (query.myip ?? '').split(',').includes(address)
  );
}

function shortName(server: string): string {
  return server.split('.', 1)[0] ?? server;
}
