import { setTimeout as pause } from 'node:timers/promises';
import type { Visit } from '../browser.ts';
import { cardOf, openPage, textOf, untilText } from '../pages.ts';
import { CONFIGURED, type Scenario } from '../scenario.ts';
import { check, until } from '../stage.ts';

/** Two good checks at least so far apart close an incident. */
const APART_MS = 125_000;
const CACHED_MS = 60_000;
const CLICK_AGAIN_MS = 2000;

/** What was asked half a minute ago at most is not asked again, so one click may not be enough. */
async function checkUntil({ page }: Visit, selector: string): Promise<void> {
  await until(
    `after "Check now": ${selector}`,
    async () => {
      await page.click(`${cardOf('home')} button[data-action="check"]:enabled`);
      await pause(CLICK_AGAIN_MS);
      return (await page.locator(`${cardOf('home')} ${selector}`).count()) > 0;
    },
    CACHED_MS,
  );
}

export const incident: Scenario = {
  name: 'incident',
  title: 'a zone that is taken away, and handed back, is told in words',
  stage: { config: CONFIGURED, begin: 'published' },
  async run(stage) {
    const { service, router, say } = stage;
    const visit = await stage.visit();
    const { page } = visit;
    await openPage(visit, 'overview');
    await page.waitForSelector(`${cardOf('home')}[data-verdict="ok"]`);
    const sent = service.requests().length;

    service.levers.seize('ddns.example', 'drop');
    service.levers.flushResolver();
    await checkUntil(visit, '[data-axis="delegation"][data-verdict="failed"]');
    await page.waitForSelector('[data-incident][data-open="true"]');
    const words = await textOf(visit, '[data-incident][data-open="true"]');
    check('the incident names the zone', words.includes('ddns.example'), words);
    check(
      'the incident says whether there is anything to do',
      /do (something|anything)|nothing/i.test(words),
      words,
    );
    await page.waitForSelector('#holdfast-timeline [data-event="incident/OPENED"]');
    await page.click(`${cardOf('home')} [data-axis="delegation"] summary`);
    await visit.picture('overview-incident');
    say(`incident: ${words.replace(/\s+/g, ' ')}`);
    const update = await page.getAttribute(`${cardOf('home')} [data-axis="update"]`, 'data-verdict');
    check('the update channel stays good', update === 'ok', update);

    service.levers.handBack('ddns.example');
    service.levers.flushResolver();
    await checkUntil(visit, '[data-axis="delegation"][data-verdict="ok"]');
    say('handed back; the all-clear takes two good checks two minutes apart');
    await pause(APART_MS);
    await until('the all-clear', async () => {
      await page.click(`${cardOf('home')} button[data-action="check"]:enabled`);
      return (await page.locator('#holdfast-timeline [data-event="incident/CLOSED"]').count()) > 0;
    });
    await page.waitForSelector('[data-incident][data-open="false"]');
    const clear = await untilText(
      visit,
      '#holdfast-timeline [data-event="incident/CLOSED"]',
      /ddns\.example/,
    );
    say(`all-clear: ${clear.replace(/\s+/g, ' ')}`);
    const messages = router.network.sent().filter((line) => line.startsWith('holdfast.incident '));
    check('two messages went out, one for each end of it', messages.length === 2, messages);
    await visit.picture('overview-all-clear');
    check(
      'a DNS symptom causes no update',
      service.requests().length === sent,
      service.requests().length - sent,
    );
  },
};
