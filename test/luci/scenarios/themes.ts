import { FAINT } from '../contrast.ts';
import { FULL_STATUS } from '../hostile.ts';
import { openPage } from '../pages.ts';
import { CONFIGURED, type Scenario } from '../scenario.ts';
import { same } from '../stage.ts';
import { THEME_NAMES } from '../web/page.ts';

export const themes: Scenario = {
  name: 'themes',
  title: 'all can be read in every theme, by day and by night',
  stage: { config: CONFIGURED, begin: 'published' },
  async run(stage) {
    const reply = {
      mode: 'resident',
      running: true,
      state: 'running',
      sentence: null,
      ddns: true,
      undo: false,
    };
    stage.router.replyFor('status', { ...reply, status: FULL_STATUS });
    const faint: Record<string, unknown> = {};
    for (const theme of THEME_NAMES.filter((name) => stage.kit.checkout.themes.includes(name))) {
      for (const dark of [false, true]) {
        const visit = await stage.visit('root', { dark }, { theme });
        for (const page of ['overview', 'add', 'hostnames'] as const) {
          await openPage(visit, page);
          await visit.page.waitForLoadState('networkidle');
          await visit.page.locator('details').evaluateAll((nodes) =>
            nodes.forEach((node) => {
              node.open = true;
            }),
          );
          const name = `${theme}-${dark ? 'dark' : 'light'}-${page}`;
          await visit.picture(`theme-${name}`);
          const found = await visit.page.evaluate<unknown[]>(FAINT);
          if (found.length > 0) {
            faint[name] = found;
          }
        }
        await visit.close();
      }
      stage.say(`${theme}: seen`);
    }
    same('texts with too little contrast', faint, {});
  },
};
