import { cardOf, edit, openPage, PAGES } from '../pages.ts';
import { CONFIGURED, type Scenario } from '../scenario.ts';
import { same } from '../stage.ts';

const WIDTH = 360;
/** What sticks out on the right, innermost first. */
const WIDER = `(() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll('body *')]
    .filter((node) => node.getBoundingClientRect().right > width + 1 && node.children.length === 0)
    .slice(0, 5)
    .map((node) => node.tagName + '.' + node.className + ' ' + (node.textContent || '').trim().slice(0, 40));
})()`;

export const narrow: Scenario = {
  name: 'narrow',
  title: `no page scrolls sideways at ${WIDTH} px`,
  stage: { config: CONFIGURED, begin: 'published' },
  async run(stage) {
    for (const theme of stage.kit.checkout.themes) {
      const visit = await stage.visit('root', { width: WIDTH, height: 740 }, { theme: theme as never });
      for (const name of PAGES) {
        await openPage(visit, name);
        await visit.page.waitForLoadState('networkidle');
        if (name === 'overview') {
          await visit.page.waitForSelector(cardOf('home'));
          await visit.page.locator(`${cardOf('home')} details`).evaluateAll((nodes) =>
            nodes.forEach((node) => {
              node.open = true;
            }),
          );
        }
        await visit.picture(`narrow-${theme}-${name}`);
        same(`what is too wide on ${name} with ${theme}`, await visit.page.evaluate(WIDER), []);
      }
      await openPage(visit, 'hostnames');
      await edit(visit, 'home');
      await visit.picture(`narrow-${theme}-dialog`);
      same(`what is too wide in the dialog with ${theme}`, await visit.page.evaluate(WIDER), []);
      await visit.close();
    }
  },
};
