import type { Visit } from '../browser.ts';
import { CAUGHT, FULL_STATUS, POISON, POISON_URL, poisoned, SEEN_AS_TEXT, TRAP } from '../hostile.ts';
import { edit, openPage, PAGES, textOf, untilText } from '../pages.ts';
import { CONFIGURED, HOME, type Scenario } from '../scenario.ts';
import { check, same, until } from '../stage.ts';

const quoted = POISON.replaceAll("'", "'\\''");
const CONFIG = `${CONFIGURED.replaceAll("'wan'", `'${quoted}'`).replaceAll("'demo'", `'${quoted}'`)}
config hostname 'other'
\toption hostname '${quoted}'
\toption account '${quoted}'
\toption script '${quoted}'
\tlist standby '${quoted}'

config account 'strange'
\toption provider '${quoted}'
\toption username '${quoted}'
\toption server '${quoted}'

config alias 'www'
\toption hostname '${quoted}'
\toption account '${quoted}'
\tlist target '${quoted}'
`;

const PROVIDER = {
  ...{ id: 'evil.example', title: POISON, homepage: POISON_URL, credentialUrl: POISON_URL },
  fields: {
    username: { title: POISON, help: POISON, required: true },
    password: { title: POISON, help: POISON, required: true },
  },
  families: { single: ['ipv4'], dual: false },
  ...{
    zones: [POISON],
    notes: [POISON, POISON_URL],
    unconfirmed: true,
    wantsContact: true,
    noDnsCheck: POISON,
  },
};
const DEAD = { ...PROVIDER, id: 'dead.example', dead: { since: POISON, instead: POISON } };

/** Nothing has got through, and what there is to see is text. */
async function clean(visit: Visit, where: string): Promise<void> {
  same(`what got through on ${where}`, await visit.page.evaluate(CAUGHT), []);
}

export const hostile: Scenario = {
  name: 'hostile',
  title: 'no text from a provider, the DNS, a network or the configuration becomes more than text',
  stage: { config: CONFIGURED, begin: 'published' },
  async run(stage) {
    const { router, service, say } = stage;
    const visit = await stage.visit();
    const { page } = visit;
    await page.addInitScript(TRAP);

    // What the real agent makes of a hostile reply.
    service.levers.replyAlways({ body: `${POISON}\r\n` });
    router.network.moveTo('203.0.113.5');
    await until('the reply in the status', () => stage.host('home')?.axes.update.verdict !== 'ok');
    await openPage(visit, 'overview');
    await untilText(visit, '[data-axis="update"]', /./);
    await page.click('[data-host="home"] [data-axis="update"] summary');
    await clean(visit, 'the overview with a hostile reply');
    await visit.picture('hostile-reply');

    // Names of networks and devices: from netifd, from the kernel, and from the configuration.
    router.network.rewrite((status) => ({
      ...status,
      proto: POISON,
      device: POISON,
      data: { zone: POISON },
    }));
    router.configure('network', (router.config('network') ?? '').replaceAll("'eth1'", `'${quoted}'`));

    // What it makes of a hostile configuration.
    router.configure('holdfast', CONFIG);
    await until('the problems in the status', () => (router.status()?.problems.length ?? 0) > 0);
    for (const name of PAGES) {
      await openPage(visit, name);
      await page.waitForLoadState('networkidle');
      await clean(visit, `${name} with a hostile configuration`);
      await visit.picture(`hostile-${name}`);
    }
    check('the poison is shown as text', (await textOf(visit, 'body')).length > 0);
    for (const [name, section] of [
      ['hostnames', 'home'],
      ['hostnames', 'other'],
      ['accounts', 'strange'],
      ['aliases', 'www'],
    ] as const) {
      await openPage(visit, name);
      await edit(visit, section);
      await clean(visit, `the dialog of ${section}`);
    }
    say('hostile configuration and reply: nothing got through');

    // A status in which every word is hostile, first those that are free, then all.
    for (const all of [false, true]) {
      const status = poisoned(FULL_STATUS, all);
      const reply = {
        mode: POISON,
        running: true,
        state: all ? POISON : 'running',
        sentence: POISON,
        ddns: true,
        undo: true,
        status,
      };
      router.replyFor('status', reply);
      await openPage(visit, 'overview');
      await page.locator('details').evaluateAll((nodes) =>
        nodes.forEach((node) => {
          node.open = true;
        }),
      );
      await clean(visit, 'the overview with a hostile status');
      check('the poison is shown as text', (await textOf(visit, 'body')).includes(SEEN_AS_TEXT));
      await visit.picture(`hostile-status-${all ? 'all' : 'words'}`);
      await visit.open('admin/status/overview');
      await clean(visit, 'the status page');
    }
    router.replyFor('status', undefined);
    say('hostile status: nothing got through');

    router.replyFor('providers', { ok: true, providers: [PROVIDER, DEAD] });
    router.replyFor('test', { ok: true, id: POISON });
    const step = (name: string) => ({ step: name, text: `ok: ${POISON}`, evidence: [POISON] });
    router.replyFor('test_steps', {
      ok: false,
      done: true,
      steps: [step('reply'), step(POISON)],
      code: POISON,
      sentence: POISON,
    });
    for (const id of ['dead.example', 'evil.example']) {
      await openPage(visit, 'add');
      await page.fill('#hf-provider', 'example');
      await clean(visit, 'the list of providers');
      await page.click(`#hf-provider-list [data-value="${id}"]`);
      await clean(visit, `the provider ${id}`);
    }
    for (const field of ['#hf-field-username', '#hf-field-password', '#hf-hostname']) {
      await page.fill(field, HOME);
    }
    if ((await page.locator('#hf-contact').count()) > 0) {
      await page.fill('#hf-contact', 'admin@example.org');
    }
    await page.click('button[data-action="test"]');
    await page.waitForSelector('#holdfast-probe[data-state="failed"]');
    await clean(visit, 'the steps of a test');
    await visit.picture('hostile-add');
    same('links that lead elsewhere than https', await page.locator('#hf-key-link').count(), 0);

    const section = {
      section: POISON,
      hostname: POISON,
      into: POISON,
      verdict: 'refused',
      remarks: [POISON],
    };
    const report = {
      ...{ from: POISON, to: POISON, applied: false, configuration: POISON, remarks: [POISON] },
      sections: [section, { ...section, verdict: POISON }],
      problems: [{ line: POISON, sentence: POISON }],
    };
    router.configure('ddns', "config service 'x'\n\toption domain 'x.example.org'\n");
    router.replyFor('import', { ok: true, report });
    await openPage(visit, 'import');
    await page.waitForSelector('#holdfast-import');
    await clean(visit, 'the import');
    await visit.picture('hostile-import');

    // Calls that fail with hostile words.
    for (const method of ['update', 'check', 'service']) {
      router.replyFor(method, { ok: false, code: POISON, sentence: POISON });
    }
    router.configure('holdfast', CONFIGURED);
    await openPage(visit, 'overview');
    await page.waitForSelector('[data-host="home"]');
    for (const action of ['update', 'check', 'stop']) {
      await page.click(`button[data-action="${action}"]`);
      await page.waitForTimeout(300);
      await clean(visit, `a refused ${action}`);
    }
    await visit.picture('hostile-refusals');
  },
};
