import type { Visit } from '../browser.ts';
import { edit, fieldOf, openPage, saveAndApply, saveDialog, textOf, untilText } from '../pages.ts';
import { CONFIGURED, HOME, type Scenario } from '../scenario.ts';
import { check, type Stage, same, until } from '../stage.ts';

const OFFICE = 'office.ddns.example';
/** What the form of this provider does not show, set by hand. */
const BY_HAND = `
config account 'duck'
\toption provider 'duckdns.org'
\toption password 'token'
\toption server 'https://ddns.example'

config hostname 'lost'
\toption enabled '0'
\toption hostname 'lost.example.org'
\toption account 'gone'
`;

async function dialogCloses({ page }: Visit): Promise<void> {
  await page.waitForSelector('body:not(.modal-overlay-active)');
}

/** Values that are refused where they are typed, with words that say why. */
async function refuses(
  visit: Visit,
  section: string,
  option: string,
  bad: string,
  good: string,
): Promise<void> {
  const field = visit.page.locator(fieldOf(section, option));
  await field.fill(bad);
  await field.blur();
  await visit.page.waitForSelector(`${fieldOf(section, option)}.cbi-input-invalid`);
  const words = (await field.getAttribute('data-tooltip')) ?? '';
  check(`${option} says why ${bad} is refused`, words.length > 10, words);
  await field.fill(good);
  await field.blur();
  check(`${option} takes ${good}`, !(await field.getAttribute('class'))?.includes('cbi-input-invalid'));
}

/** Clicks Save & Apply and waits until procd and LuCI are through. */
async function applied(visit: Visit, stage: Stage, holds: () => unknown): Promise<void> {
  await saveAndApply(visit);
  await until('the applied configuration', () => Boolean(holds()) || (stage.router.config('holdfast') ?? ''));
  await visit.page.waitForLoadState('networkidle');
  await until('LuCI through with it', () => stage.router.uci.pendingSession() === undefined);
}

export const forms: Scenario = {
  name: 'forms',
  title: 'hostnames, accounts, aliases and settings are edited, checked and applied',
  stage: { config: `${CONFIGURED}${BY_HAND}`, begin: 'published' },
  async run(stage) {
    const { router } = stage;
    const visit = await stage.visit();
    const { page } = visit;
    const optionOf = (section: string, option: string) =>
      router.uci
        .sections('holdfast')
        .find(({ name }) => name === section)
        ?.options.get(option);

    await openPage(visit, 'accounts');
    await edit(visit, 'noip');
    const password = page.locator(fieldOf('noip', 'password'));
    same('the type of the password field', await password.getAttribute('type'), 'password');
    await visit.picture('dialog-account');
    await password.fill('another-password');
    await saveDialog(visit);
    await dialogCloses(visit);
    await applied(visit, stage, () => optionOf('noip', 'password') === 'another-password');

    await openPage(visit, 'accounts');
    await edit(visit, 'noip');
    await page.locator(fieldOf('noip', 'password')).fill('demo-password');
    await saveDialog(visit);
    await dialogCloses(visit);
    await applied(visit, stage, () => optionOf('noip', 'password') === 'demo-password');

    await openPage(visit, 'accounts');
    await edit(visit, 'duck');
    await page.locator(fieldOf('duck', 'password')).fill('another-token');
    await saveDialog(visit);
    await dialogCloses(visit);
    await applied(visit, stage, () => optionOf('duck', 'password') === 'another-token');
    same('the server set by hand', optionOf('duck', 'server'), 'https://ddns.example');

    await openPage(visit, 'accounts');
    await edit(visit, 'duck');
    await page.fill('.modal [data-name="provider"] input[role="combobox"]', 'dynv6');
    await page.click('.modal [role="option"][data-value="dynv6.com"]');
    await saveDialog(visit);
    await dialogCloses(visit);
    await applied(visit, stage, () => optionOf('duck', 'provider') === 'dynv6.com');
    same('the server of the provider before', optionOf('duck', 'server'), undefined);

    await openPage(visit, 'accounts');
    await page.click('[data-sid="noip"] .cbi-button-remove');
    await untilText(visit, '.alert-message', HOME);
    await page.waitForSelector('[data-sid="noip"]');
    same('the account in use', optionOf('noip', 'provider'), 'no-ip.com');

    await openPage(visit, 'add');
    await page.selectOption('#hf-account', 'noip');
    await page.fill('#hf-hostname', HOME);
    await page.click('button[data-action="apply"]');
    await page.waitForSelector('#hf-hostname[aria-invalid="true"]');
    check('a name that is there is not added again', (await textOf(visit, '#hf-hostname-error')).length > 10);

    await openPage(visit, 'hostnames');
    await edit(visit, 'lost');
    await page.locator(fieldOf('lost', 'hostname')).fill('found.example.org');
    await saveDialog(visit);
    await dialogCloses(visit);
    await applied(visit, stage, () => optionOf('lost', 'hostname') === 'found.example.org');
    same('an account that is not there', optionOf('lost', 'account'), 'gone');

    await openPage(visit, 'hostnames');
    await page.click('#cbi-holdfast-hostname .cbi-button-add');
    const hostname = page.locator('.modal [id$=".hostname"][id^="widget."]');
    await hostname.waitFor();
    const id = /\.holdfast\.(\w+)\.hostname$/.exec((await hostname.getAttribute('id')) ?? '')?.[1] ?? '';
    await refuses(visit, id, 'hostname', 'two words', OFFICE);
    await visit.picture('dialog-hostname');
    await page.click('.modal [data-tab="standby"] a');
    await visit.picture('dialog-hostname-standby');
    await saveDialog(visit);
    await dialogCloses(visit);
    await applied(visit, stage, () => router.config('holdfast')?.includes(OFFICE));
    same(
      'settings that nobody chose',
      ['family', 'source', 'network'].map((option) => optionOf(id, option)),
      [undefined, undefined, undefined],
    );
    await until(
      'the new hostname at the provider',
      () => stage.service.values(OFFICE, 'A').length > 0 || update(stage),
    );

    await openPage(visit, 'settings');
    await refuses(visit, 'agent', 'resync', '5', '900');
    await refuses(visit, 'agent', 'contact', 'nobody', 'owner@example.org');
    await visit.picture('settings-filled');
    await applied(visit, stage, () => optionOf('agent', 'resync') === '900');
    same('the contact address', optionOf('agent', 'contact'), 'owner@example.org');

    await openPage(visit, 'aliases');
    await page.click('#cbi-holdfast-alias .cbi-button-add');
    const alias = page.locator('.modal [id$=".hostname"][id^="widget."]');
    await alias.waitFor();
    await alias.fill('www.example.org');
    await visit.picture('dialog-alias');
    await page.click('.modal .cbi-button:text-matches("Dismiss|Cancel")');
    await dialogCloses(visit);
    check('a dismissed dialog changes nothing', !router.config('holdfast')?.includes('www.example.org'));

    await openPage(visit, 'hostnames');
    await page.click('[data-sid="lost"] .cbi-button-remove');
    await page.click(`[data-sid="${id}"] .cbi-button-remove`);
    await applied(visit, stage, () => !router.config('holdfast')?.includes(OFFICE));
    same('problems that the agent finds', router.status()?.problems, []);
  },
};

function update(stage: Stage): string {
  return JSON.stringify(router(stage));
}

function router(stage: Stage): unknown {
  return stage.router.status()?.hostnames.map(({ id, axes }) => [id, axes.update]);
}
