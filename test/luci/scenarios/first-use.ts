import { chooseProvider, openPage, saveAndApply, untilGreen } from '../pages.ts';
import { addressOf, EMPTY, HOME, type Scenario } from '../scenario.ts';
import { check, same, until } from '../stage.ts';
import { LUCI_DEFAULTS } from '../web/server.ts';

const SECRET = 'demo-password';

export const firstUse: Scenario = {
  name: 'first-use',
  title: 'from the empty page to a name that works, tested before it is saved',
  stage: { config: EMPTY },
  async run(stage) {
    const { router, service, say } = stage;
    const before = router.config('holdfast');
    const visit = await stage.visit('root', {}, LUCI_DEFAULTS);
    const { page } = visit;
    const startMs = performance.now();

    await openPage(visit, 'overview');
    await page.waitForSelector('#holdfast-empty');
    await visit.picture('overview-empty');
    await page.click('#holdfast-empty a[href$="/add"]');
    await page.waitForSelector('#hf-provider');
    await visit.picture('add-empty');

    let fields = 0;
    const fill = async (selector: string, value: string) => {
      await page.fill(selector, value);
      fields += 1;
    };
    await chooseProvider(visit, 'no-ip', 'no-ip.com');
    fields += 1;
    const key = await page.getAttribute('#hf-key-link', 'href');
    check('the link to where the key is made is https', key?.startsWith('https://'), key);
    await fill('#hf-field-username', 'demo');
    await fill('#hf-field-password', SECRET);
    same('the type of the password field', await page.getAttribute('#hf-field-password', 'type'), 'password');
    if (await page.locator('#hf-contact').count()) {
      await fill('#hf-contact', 'admin@example.org');
    }
    await fill('#hf-hostname', HOME);
    same('the network chosen beforehand', await page.inputValue('#hf-network'), 'wan');
    await visit.picture('add-filled');

    await page.click('button[data-action="test"]');
    await page.waitForSelector('#holdfast-probe[data-state="ok"], #holdfast-probe[data-state="failed"]');
    await visit.picture('add-tested');
    const probe = page.locator('#holdfast-probe');
    same('the outcome of the test', await probe.getAttribute('data-state'), 'ok');
    const steps = await probe
      .locator('[data-step]')
      .evaluateAll((nodes) => nodes.map((node) => node.dataset.step));
    same('the steps of the test', steps, [
      ...['source', 'request', 'reply', 'update', 'delegation', 'authority', 'publicView'],
    ]);
    same('what the provider has after the test', addressOf(service), '203.0.113.1');
    same('the saved configuration after a test', router.config('holdfast'), before);
    same('what a test leaves behind', router.leftovers(), []);
    const testedMs = performance.now();

    await saveAndApply(visit);
    await page.waitForURL('**/services/holdfast');
    const id = await until('a section for the hostname', () =>
      router.uci
        .sections('holdfast')
        .find(({ type, options }) => type === 'hostname' && options.get('hostname') === HOME),
    );
    await page.waitForSelector(`[data-host="${id.name}"]`);
    await untilGreen(visit, id.name);
    const endMs = performance.now();
    await visit.picture('overview-green');

    const seconds = (fromMs: number, toMs: number) => ((toMs - fromMs) / 1000).toFixed(1);
    say(
      `${fields} fields were filled in (provider, its credentials, hostname); the network was chosen already`,
    );
    say(
      `${seconds(startMs, testedMs)} s from the empty page to a passed test, ${seconds(testedMs, endMs)} s more until green`,
    );
    check('no secret in any command line', !JSON.stringify(router.executed()).includes(SECRET));
    const leaks = stage.callsSince(0).filter(({ object, reply }) => {
      return object === 'holdfast' && JSON.stringify(reply ?? '').includes(SECRET);
    });
    same(
      'calls that gave the secret back',
      leaks.map(({ method }) => method),
      [],
    );
  },
};
