import { untilText } from '../pages.ts';
import { CONFIGURED, HOME, type Scenario } from '../scenario.ts';
import { same, until } from '../stage.ts';

export const statusBox: Scenario = {
  name: 'status-box',
  title: "the box on LuCI's status page shows name, address and state, and follows",
  stage: { config: CONFIGURED, begin: 'published' },
  async run(stage) {
    const { router } = stage;
    const visit = await stage.visit();
    await visit.open('admin/status/overview');
    const row = '#holdfast-box [data-host="home"]';
    await untilText(visit, row, HOME);
    await untilText(visit, row, '203.0.113.1');
    same('the verdict', await visit.page.getAttribute(row, 'data-verdict'), 'ok');
    await visit.picture('status-box');

    const from = router.rpcd.calls().length;
    router.network.moveTo('203.0.113.9');
    await untilText(visit, row, '203.0.113.9');
    const asked = new Set(stage.callsSince(from).map(({ object, method }) => `${object}.${method}`));
    same('what the box asks', [...asked], ['holdfast.status']);

    router.setInstalled(false);
    await until(
      'no box without the package',
      async () => (await visit.page.locator('#holdfast-box:visible').count()) === 0,
    );
  },
};
