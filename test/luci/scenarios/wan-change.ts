import { cardOf, openPage, untilGreen, untilText } from '../pages.ts';
import { addressOf, CONFIGURED, type Scenario } from '../scenario.ts';
import { check, same } from '../stage.ts';

export const wanChange: Scenario = {
  name: 'wan-change',
  title: 'a new address, and a line that is down, are seen without a click',
  stage: { config: CONFIGURED, begin: 'published' },
  async run(stage) {
    const { router, service } = stage;
    const visit = await stage.visit();
    const address = `${cardOf('home')} [data-role="address"]`;
    await openPage(visit, 'overview');
    await untilText(visit, address, '203.0.113.1');
    await untilGreen(visit, 'home');

    const startMs = performance.now();
    router.network.moveTo('203.0.113.77');
    await untilText(visit, address, '203.0.113.77');
    const seenMs = performance.now() - startMs;
    await visit.page.waitForSelector(`${cardOf('home')} [data-axis="authority"][data-verdict="ok"]`);
    // What resolvers have cached of the old address runs out; the next question shows it.
    service.levers.flushResolver();
    await visit.page.click(`${cardOf('home')} button[data-action="check"]`);
    await untilGreen(visit, 'home');
    stage.say(`new address on the page after ${(seenMs / 1000).toFixed(1)} s`);
    same('what the provider has', addressOf(service), '203.0.113.77');

    // What is unfolded stays unfolded while the page goes on.
    await visit.page.click(`${cardOf('home')} [data-axis="authority"] summary`);
    router.network.moveTo('203.0.113.78');
    await untilText(visit, address, '203.0.113.78');
    const open = await visit.page.getAttribute(`${cardOf('home')} [data-axis="authority"]`, 'open');
    check('an unfolded axis stays open', open !== null);
    await untilText(visit, `${cardOf('home')} [data-axis="authority"]`, '203.0.113.78');
    await visit.picture('overview-unfolded');

    router.network.ifdown();
    await visit.page.waitForSelector(`${cardOf('home')}:not([data-verdict="ok"])`);
    await untilText(visit, `${cardOf('home')} [data-role="sentence"]`, /wan/);
    await visit.picture('overview-wan-down');
    same('what the provider has while the line is down', addressOf(service), '203.0.113.78');
    router.network.moveTo('203.0.113.78');
    await visit.page.waitForSelector(`${cardOf('home')} [data-axis="update"][data-verdict="ok"]`);
  },
};
