/** Faults of the router itself: its WAN, its services, its disk, its configuration, and the end of the agent. */
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Service } from '../service/service.ts';
import { type Expected, type Fault, type SectionOptions, type Stage, WRONG } from './fault.ts';
import { FIRST_ADDRESS, SECOND_ADDRESS, wanAt } from './lab.ts';

const MINUTE_MS = 60_000;
/** Real milliseconds; only a failing row waits so long. */
const PATIENCE_MS = 20_000;

const FINE: Expected = { axis: 'update', verdict: 'ok', code: 'update/OK', requests: 0, end: 'unharmed' };

/** The agent goes and comes back; the world stays as it is. */
function ending(fault: string, made: string, begin: Fault['begin'], requests = 0): Fault {
  return {
    fault,
    made,
    begin,
    move: false,
    expected: { ...FINE, requests, end: requests > 0 ? 'itself' : 'unharmed' },
  };
}

function damaged(file: 'state.json' | 'published.json', how: string, text: string): Fault {
  return ending(`${file} is ${how}`, `file, SIGKILL, start`, async ({ router }) => {
    await router.end('SIGKILL');
    const path = file === 'state.json' ? join(router.stateDir, file) : router.publishedFile;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    await router.boot();
  });
}

async function killAndBoot({ router }: Stage): Promise<void> {
  await router.end('SIGKILL');
  await router.boot();
}

/** The router is behind another one, so the address comes from asking somebody. */
function byEcho({ service, router }: Stage): void {
  service.levers.echo(FIRST_ADDRESS);
  router.say(wanAt('127.0.0.1'));
}

function echoOptions({ echoUrls }: Service): SectionOptions {
  return {
    agent: { resync: '600' },
    host: { source: 'web', network: ['wan'], echo_url: [...echoUrls] },
  };
}

/** Nothing can be saved and no status written; the update goes out all the same. */
function disk(code: 'ENOSPC' | 'EROFS', fault: string): Fault {
  return {
    fault,
    made: `every write fails with ${code}`,
    async begin({ router, service }) {
      router.setDiskFault(code);
      const request = service.nextRequest(PATIENCE_MS);
      router.say(wanAt(SECOND_ADDRESS));
      await request;
    },
    move: 'unseen',
    lift: ({ router }) => router.setDiskFault(undefined),
    expected: { ...FINE, requests: 1, end: 'itself' },
  };
}

export const ROUTER: Fault[] = [
  {
    fault: 'ubusd is not there when the agent starts',
    made: 'ubus refuses',
    before: ({ router }) => router.setUbus(false),
    lift: ({ router }) => router.setUbus(true),
    expected: { ...FINE, verdict: 'unknown', code: 'ubus/UNAVAILABLE', end: 'itself' },
  },
  {
    fault: 'ubusd dies, and the address changes meanwhile',
    made: 'ubus refuses, the held commands end',
    async begin({ router }) {
      router.setUbus(false);
      await router.hear('ended unexpectedly');
    },
    move: 'unseen',
    lift: ({ router }) => router.setUbus(true),
    expected: { ...FINE, verdict: 'unknown', code: 'ubus/UNAVAILABLE', end: 'itself' },
  },
  {
    fault: 'netifd is gone when the agent starts',
    made: 'ubus: Not found',
    before: ({ router }) => router.stopNetifd(),
    lift: ({ router }) => router.say(wanAt(FIRST_ADDRESS)),
    expected: { ...FINE, verdict: 'unknown', code: 'ubus/NOT_FOUND', end: 'itself' },
  },
  {
    fault: 'the notification of a change is lost',
    made: 'netifd changes and tells nobody',
    options: { agent: { resync: '600' } },
    begin: ({ router }) => router.say(wanAt(SECOND_ADDRESS), 'lost'),
    move: 'unseen',
    expected: { ...FINE, requests: 1, end: 'itself' },
  },
  {
    fault: 'the WAN goes down',
    made: 'netifd: interface.down',
    begin: ({ router }) => router.goDown(),
    move: false,
    lift: ({ router }) => router.moveTo(FIRST_ADDRESS),
    expected: { ...FINE, verdict: 'warning', code: 'wan/DOWN', end: 'itself' },
  },
  {
    fault: 'the WAN flaps a hundred times between two addresses, once a second',
    made: 'netifd: 100 notifications',
    async begin({ router }) {
      for (let flap = 0; flap < 100; flap++) {
        await router.moveTo(flap % 2 === 0 ? SECOND_ADDRESS : FIRST_ADDRESS);
        await router.advance(1000);
      }
    },
    expected: { ...FINE, requests: 5, end: 'itself' },
  },
  {
    fault: 'the lease is renewed a hundred times with the same address',
    made: 'netifd: 100 notifications',
    async begin({ router }) {
      for (let renewal = 0; renewal < 100; renewal++) {
        router.say(wanAt(FIRST_ADDRESS));
        await router.advance(1000);
      }
    },
    move: false,
    expected: FINE,
  },
  {
    fault: 'the ISP gives an address that the Internet cannot reach',
    made: 'allow_private 0',
    options: { host: { allow_private: '0' } },
    lift: (stage) => stage.reconfigure(stage.config.replace("allow_private '0'", "allow_private '1'")),
    expected: { ...FINE, verdict: 'warning', code: 'address/DOCUMENTATION', end: 'corrected' },
  },
  {
    fault: 'a captive portal answers in the place of the echo services',
    made: 'captivePortal',
    options: echoOptions,
    before: byEcho,
    begin: ({ service }) => service.levers.captivePortal(),
    lift: ({ service }) => service.levers.captivePortal(false),
    move: false,
    expected: { ...FINE, verdict: 'unknown', code: 'source/NO_ANSWER', end: 'itself' },
  },
  {
    fault: 'one of two echo services lies',
    made: 'echo',
    options: echoOptions,
    before: byEcho,
    begin: ({ service }) => service.levers.echo('203.0.113.99', 0),
    lift: ({ service }) => service.levers.echo(FIRST_ADDRESS),
    move: false,
    expected: FINE,
  },
  {
    fault: 'the flash is full',
    made: 'every write to flash fails with ENOSPC',
    begin: ({ router }) => router.setDiskFault('ENOSPC', 'flash'),
    lift: ({ router }) => router.setDiskFault(undefined),
    expected: { ...FINE, requests: 1, end: 'itself' },
  },
  disk('ENOSPC', 'memory and flash are full'),
  disk('EROFS', 'every file system has become read-only'),
  damaged('state.json', 'cut short', '{"version":1,"sta'),
  damaged('state.json', 'empty', ''),
  damaged('state.json', 'of a newer version', '{"version":99}'),
  damaged('published.json', 'cut short', '{"version":1,"hosts":{"ho'),
  damaged('published.json', 'full of something else', '[[[[[[null]]]]]]'),
  ending('out of memory: the kernel kills the agent', 'SIGKILL, start', killAndBoot),
  ending('the agent is killed ten times in a row', 'SIGKILL and start, 10 times', async (stage) => {
    for (let crash = 0; crash < 10; crash++) await killAndBoot(stage);
  }),
  ending('the service is restarted', 'SIGTERM, start', async ({ router }) => {
    await router.end('SIGTERM');
    await router.boot();
  }),
  {
    fault: 'killed while a request is under way that the provider has carried out',
    made: 'hang-after-request, SIGKILL, start',
    async begin({ service, router }) {
      await service.levers.cutOff('hang-after-request');
      await router.moveTo(SECOND_ADDRESS);
      await router.advance(100);
      await router.end('SIGKILL');
      await service.levers.cutOff('off');
      await router.boot();
    },
    expected: { ...FINE, requests: 2, end: 'itself' },
  },
  {
    fault: 'killed before the new address was sent',
    made: 'the address changes while no agent runs',
    async begin({ router }) {
      await router.end('SIGKILL');
      router.say(wanAt(SECOND_ADDRESS));
      await router.boot();
    },
    expected: { ...FINE, requests: 1, end: 'itself' },
  },
  {
    fault: 'the configuration has a syntax error when it is read again',
    made: 'file, SIGHUP',
    async begin({ router }) {
      appendFileSync(router.configFile, "\nconfig hostname 'broken\n");
      router.signal('SIGHUP');
      await router.advance(1000);
    },
    expected: { ...FINE, requests: 1, end: 'itself' },
  },
  {
    fault: 'the configuration is gone when it is read again',
    made: 'file, SIGHUP',
    async begin({ router }) {
      rmSync(router.configFile);
      router.signal('SIGHUP');
      await router.advance(1000);
    },
    expected: { ...FINE, requests: 1, end: 'itself' },
  },
  {
    fault: 'another section has a bad value and an unknown option',
    made: 'configuration',
    async begin({ router, config }) {
      router.configure(`${config}\nconfig hostname 'odd'\n\toption hostname '-'\n\toption colour 'red'\n`);
      router.signal('SIGHUP');
      await router.advance(1000);
    },
    expected: { ...FINE, requests: 1, end: 'itself' },
  },
  {
    fault: 'the account that the hostname names does not exist',
    made: 'configuration',
    options: { host: { account: `${WRONG}demo` } },
    lastsMs: MINUTE_MS,
    lift: (stage) => stage.reconfigure(stage.config.replaceAll(WRONG, '')),
    expected: {
      axis: 'configuration',
      verdict: 'failed',
      code: 'config/BAD_VALUE',
      requests: 0,
      end: 'corrected',
    },
  },
];
