import type { Visit } from '../browser.ts';
import { cardOf, openPage, textOf } from '../pages.ts';
import { addressOf, CONFIGURED, EMPTY, HOME, type Scenario } from '../scenario.ts';
import { check, same, until } from '../stage.ts';

const MANY = 80;
const FOCUSED = `(() => {
  const node = document.activeElement;
  const style = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  return {
    id: node.id, action: node.dataset.action || '', tag: node.tagName,
    host: node.closest('[data-host]')?.dataset.host || '',
    axis: node.closest('[data-axis]')?.dataset.axis || '',
    visible: box.width > 0 && box.height > 0,
    marked: style.outlineStyle !== 'none' || style.boxShadow !== 'none',
  };
})()`;

interface Focused {
  id: string;
  action: string;
  tag: string;
  host: string;
  axis: string;
  visible: boolean;
  marked: boolean;
}

/** Goes on with the Tab key until the focus is where it should be. */
async function tabTo(
  { page }: Visit,
  what: string,
  isThere: (focused: Focused) => boolean,
): Promise<Focused> {
  const passed: string[] = [];
  for (let count = 0; count < MANY; count += 1) {
    const focused: Focused = await page.evaluate(FOCUSED);
    if (isThere(focused)) {
      check(`${what} can be seen when it has the focus`, focused.visible && focused.marked, focused);
      return focused;
    }
    passed.push(focused.id || focused.action || focused.tag);
    await page.keyboard.press('Tab');
  }
  throw new Error(`The Tab key never reaches ${what}: ${passed.join(' ')}`);
}

export const keyboard: Scenario = {
  name: 'keyboard',
  title: 'everything of the first use and of the overview works without a mouse',
  stage: { config: EMPTY },
  async run(stage) {
    const { router, service } = stage;
    const visit = await stage.visit();
    const { page } = visit;
    const { keyboard: keys } = page;
    await openPage(visit, 'add');
    await page.waitForSelector('#hf-provider');

    await tabTo(visit, 'the provider', ({ id }) => id === 'hf-provider');
    await keys.type('no-ip.com');
    await keys.press('ArrowDown');
    const active = await page.getAttribute('#hf-provider', 'aria-activedescendant');
    check('the chosen entry is told to screen readers', active);
    await keys.press('Enter');
    await page.waitForSelector('#hf-field-username');
    await tabTo(visit, 'the user name', ({ id }) => id === 'hf-field-username');
    await keys.type('demo');
    await tabTo(visit, 'the password', ({ id }) => id === 'hf-field-password');
    await keys.type('demo-password');
    if (await page.locator('#hf-contact').count()) {
      await tabTo(visit, 'the e-mail address', ({ id }) => id === 'hf-contact');
      await keys.type('admin@example.org');
    }
    await tabTo(visit, 'the hostname', ({ id }) => id === 'hf-hostname');
    await keys.type('not a name');
    await tabTo(visit, 'the button Test', ({ action }) => action === 'test');
    await keys.press('Enter');
    await page.waitForSelector('#hf-hostname[aria-invalid="true"]');
    same('the focus after a mistake', (await page.evaluate<Focused>(FOCUSED)).id, 'hf-hostname');
    check('the mistake is told in words', (await textOf(visit, '#hf-hostname-error')).length > 10);
    await visit.picture('add-mistake');
    await keys.press('ControlOrMeta+a');
    await keys.type(HOME);
    await tabTo(visit, 'the button Test', ({ action }) => action === 'test');
    await keys.press('Enter');
    await page.waitForSelector('#holdfast-probe[data-state="ok"]');
    await tabTo(visit, 'a button that saves and applies', ({ action }) => action === 'apply');
    await keys.press('Enter');
    await page.waitForURL('**/services/holdfast');
    await page.waitForSelector('[data-host]');

    router.configure('holdfast', CONFIGURED);
    await page.waitForSelector(cardOf('home'));
    await until('the first update', () => stage.host('home')?.axes.update.verdict === 'ok');
    await tabTo(visit, 'an axis', ({ axis, tag }) => axis === 'update' && tag === 'SUMMARY');
    await keys.press('Enter');
    check(
      'Enter unfolds an axis',
      (await page.getAttribute(`${cardOf('home')} [data-axis="update"]`, 'open')) !== null,
    );
    await page.waitForTimeout(2500);
    const later: Focused = await page.evaluate(FOCUSED);
    same('the focus after some polls', [later.axis, later.tag], ['update', 'SUMMARY']);
    const from = stage.callsSince(0).length;
    await tabTo(visit, 'the button Update now', ({ action, host }) => action === 'update' && host === 'home');
    await keys.press('Space');
    // What was confirmed a moment ago is not sent again: the call is what the key has to bring about.
    await until('the call of the button', () =>
      stage.callsSince(from).some(({ method, outcome }) => method === 'update' && outcome === 0),
    );
    same('the published address', addressOf(service), '203.0.113.1');
  },
};
