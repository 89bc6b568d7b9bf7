import { cardOf, openPage } from '../pages.ts';
import { CONFIGURED, type Scenario } from '../scenario.ts';
import { check, same, until } from '../stage.ts';

const POLLS = 6;

export const polling: Scenario = {
  name: 'polling',
  title: 'one call for each poll, which runs no program and waits for nobody, and none from the other pages',
  stage: { config: CONFIGURED, begin: 'published' },
  async run(stage) {
    const { router, service, say } = stage;
    const visit = await stage.visit();
    await openPage(visit, 'overview');
    await visit.page.waitForSelector(cardOf('home'));

    // Now nobody outside answers any more.
    await service.levers.cutOff('hang');
    for (const server of service.dns.servers) {
      service.levers.deadServer(server.name, true);
    }
    const programs = router.executed().length;
    const from = router.rpcd.calls().length;
    const startMs = performance.now();
    await until('some polls', () => stage.callsSince(from).length >= POLLS);
    const calls = stage.callsSince(from);
    const seconds = (performance.now() - startMs) / 1000;
    same(
      'what is asked',
      [...new Set(calls.map(({ object, method }) => `${object}.${method}`))],
      ['holdfast.status'],
    );
    same('requests, one for each call', new Set(calls.map(({ request }) => request)).size, calls.length);
    const gaps = calls.slice(1).map(({ atMs }, index) => atMs - (calls[index]?.atMs ?? 0));
    check(
      'never two calls in one poll',
      gaps.every((gapMs) => gapMs > 500),
      gaps,
    );
    same('programs run by polling', router.executed().length - programs, 0);
    same('how the calls ended', [...new Set(calls.map(({ outcome }) => outcome))], [0]);
    say(`${calls.length} calls in ${seconds.toFixed(1)} s with a poll each second`);

    for (const page of ['add', 'hostnames', 'accounts', 'aliases', 'settings', 'import'] as const) {
      await openPage(visit, page);
      await visit.page.waitForLoadState('networkidle');
      const quiet = router.rpcd.calls().length;
      await visit.page.waitForTimeout(2500);
      const later = stage.callsSince(quiet);
      check(
        `the page ${page} asks at most once in each poll`,
        later.length <= 3,
        later.map(({ method }) => method),
      );
    }
  },
};
