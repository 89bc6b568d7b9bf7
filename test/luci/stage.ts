/** Everything a scenario needs: the provider's world, a router with the real agent, LuCI, and a browser. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { StatusDocument, StatusHost } from '../../agent/engine/status.ts';
import { type Service, type ServiceOptions, startService } from '../service/service.ts';
import { type Driver, type Look, PATIENCE_MS, type Visit } from './browser.ts';
import { LOGINS, type Router, startRouter } from './router/router.ts';
import type { RpcCall } from './router/rpcd.ts';
import type { Checkout } from './web/checkout.ts';
import type { Theme } from './web/page.ts';
import { LUCI_DEFAULTS, startWeb, type Web, type WebOptions } from './web/server.ts';

const POLL_MS = 50;
/** What a test need not sit out: LuCI's own pauses around an apply. */
const QUICK = { pollSec: 1, holdoffSec: 1, displaySec: 1 };

export interface Kit {
  checkout: Checkout;
  chromium: Driver;
  program: string;
  /** Of all scenarios but the one about themes. */
  theme: Theme;
}

export interface StageOptions {
  config?: string;
  address?: string;
  service?: ServiceOptions;
  web?: Partial<WebOptions>;
  /** The router has booted (default), and everything is published as well, or the service was never started. */
  begin?: 'booted' | 'published' | 'off';
}

export interface Stage {
  kit: Kit;
  service: Service;
  router: Router;
  web: Web;
  /** A browser that is logged in. Its faults count as failures at the end of the scenario. */
  visit(who?: keyof typeof LOGINS, look?: Partial<Look>, web?: Partial<WebOptions>): Promise<Visit>;
  host(id: string): StatusHost | undefined;
  /** One line for whoever watches. */
  say(text: string): void;
  /** Calls that arrived since the number of calls was `from`. */
  callsSince(from: number): readonly RpcCall[];
  /** Keeps a picture of every open page. */
  pictures(name: string): Promise<void>;
  close(): Promise<void>;
}

export async function startStage(
  kit: Kit,
  say: (text: string) => void,
  options: StageOptions = {},
): Promise<Stage> {
  const service = await startService(options.service);
  const router = await startRouter({
    service,
    program: kit.program,
    acls: kit.checkout.acls,
    ...(options.config !== undefined && { config: options.config }),
    ...(options.address !== undefined && { address: options.address }),
  });
  const boxes = join(router.root, 'www/luci-static/resources/view/status/include');
  mkdirSync(boxes, { recursive: true });
  for (const name of kit.checkout.boxes) {
    writeFileSync(join(boxes, name), '');
  }
  const defaults = { ...LUCI_DEFAULTS, ...QUICK, theme: kit.theme, ...options.web };
  const webs = [await startWeb(router, kit.checkout, defaults)];
  const visits: Visit[] = [];
  const [web] = webs;
  if (web === undefined) {
    throw new Error('No web server');
  }

  const stage: Stage = {
    ...{ kit, service, router, web, say },
    async visit(who = 'root', look = {}, webOptions) {
      const session = router.sessions.login(who, LOGINS[who].password);
      const seen = webOptions ? await startWeb(router, kit.checkout, { ...defaults, ...webOptions }) : web;
      if (seen !== web) {
        webs.push(seen);
      }
      const visit = await kit.chromium.visit(seen, session?.id ?? '', look);
      visits.push(visit);
      return visit;
    },
    host: (id) => router.status()?.hostnames.find((one) => one.id === id),
    callsSince: (from) => router.rpcd.calls().slice(from),
    async pictures(name) {
      for (const [index, visit] of visits.entries()) {
        // A page that is closed already has nothing to show.
        await visit.picture(`${name}${index === 0 ? '' : `-${index}`}`).catch(() => {});
      }
    },
    async close() {
      const faults = visits.flatMap((visit) => visit.faults());
      const missing = webs.flatMap((one) => one.missing()).map((path) => `not found: ${path}`);
      for (const end of [...visits, ...webs, router, service]) {
        await end.close();
      }
      if (faults.length + missing.length > 0) {
        throw new Error(
          `The pages did what they must not: ${[...new Set([...faults, ...missing])].join('; ')}`,
        );
      }
    },
  };
  return stage;
}

/** Brings the router to where a scenario begins. */
export async function begin({ router }: Pick<Stage, 'router'>, where: StageOptions['begin']): Promise<void> {
  if (where !== 'off') {
    await router.service.act('start');
  }
  if (where === 'published') {
    await until(
      'the first round of the agent',
      () => isSettled(router.status()) || router.service.stderr().slice(-500),
    );
  }
}

/** Every hostname is published and looked up once. */
function isSettled(status: StatusDocument | undefined): boolean {
  const hosts = status?.hostnames ?? [];
  return (
    hosts.length > 0 &&
    hosts.every(({ axes }) => axes.update.verdict !== 'pending' && axes.authority.checkedAt)
  );
}

/** Waits until `look` gives something true. A text counts as "not yet" and says what there is instead. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<Exclude<T, string | false | undefined>> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false && typeof seen !== 'string') {
      return seen as Exclude<T, string | false | undefined>;
    }
    if (performance.now() > endMs) {
      throw new Error(
        `Not within ${patienceMs / 1000} s: ${what}${typeof seen === 'string' ? ` (${seen})` : ''}`,
      );
    }
    await pause(POLL_MS);
  }
}

/** Says what was expected, in words, when it is not so. */
export function check(what: string, holds: unknown, instead?: unknown): asserts holds {
  if (!holds) {
    throw new Error(instead === undefined ? `Not so: ${what}` : `Not so: ${what}; instead ${shown(instead)}`);
  }
}

export function same(what: string, found: unknown, expected: unknown): void {
  check(`${what} is ${shown(expected)}`, shown(found) === shown(expected), found);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 1500 ? `${text.slice(0, 1500)}...` : text;
}
