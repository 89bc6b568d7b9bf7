import { cardOf, edit, fieldOf, openPage, PAGES, saveAndApply, saveDialog, untilText } from '../pages.ts';
import { CONFIGURED, type Scenario } from '../scenario.ts';
import { type Stage, same, until } from '../stage.ts';

/** Calls that the pages made by themselves and that were refused. */
function refused(stage: Stage, from: number): string[] {
  const calls = stage.callsSince(from).filter(({ outcome }) => outcome < 0 || outcome === 6);
  return calls.map(({ object, method, args }) => `${object}.${method} ${args.config ?? ''}`);
}

export const rights: Scenario = {
  name: 'rights',
  title: 'each of the two groups is enough for its pages, and opens no other',
  stage: { config: CONFIGURED, begin: 'published' },
  async run(stage) {
    const { router } = stage;

    const watcher = await stage.visit('watcher');
    const first = stage.callsSince(0).length;
    await watcher.open('admin/services/holdfast');
    await watcher.page.waitForSelector(cardOf('home'));
    await watcher.page.click(`${cardOf('home')} button[data-action="check"]`);
    await until('the check is made', () => router.executed().some((words) => words.includes('check')));
    await watcher.page.waitForLoadState('networkidle');
    same('refused calls of the overview', refused(stage, first), []);
    await watcher.page.click(`${cardOf('home')} button[data-action="test"]`);
    await untilText(watcher, `${cardOf('home')} [data-role="outcome"]`, /denied/i);
    await watcher.picture('rights-status');

    const keeper = await stage.visit('keeper');
    const second = stage.callsSince(0).length;
    await keeper.open('admin/services/holdfast');
    await keeper.page.waitForSelector('#hf-provider');
    for (const name of PAGES.filter((page) => page !== 'overview')) {
      await openPage(keeper, name);
      await keeper.page.waitForLoadState('networkidle');
    }
    await openPage(keeper, 'hostnames');
    await edit(keeper, 'home');
    await keeper.page.click('.modal button[data-action="test"]');
    await keeper.page.waitForSelector('#holdfast-probe[data-state="ok"]');
    await keeper.page.click('.modal .button-row .cbi-button:text-matches("Dismiss|Cancel")');
    await openPage(keeper, 'accounts');
    await edit(keeper, 'noip');
    await keeper.page.locator(fieldOf('noip', 'username')).fill('other');
    await saveDialog(keeper);
    await keeper.page.waitForSelector('body:not(.modal-overlay-active)');
    await saveAndApply(keeper);
    await until('the change', () => router.config('holdfast')?.includes("username 'other'"));
    await until('LuCI through with it', () => router.uci.pendingSession() === undefined);
    // LuCI's own list of networks asks for the radios as well, and does without.
    const others = refused(stage, second).filter((call) => call !== 'uci.get wireless');
    same('refused calls of the settings', others, []);
    await keeper.picture('rights-settings');
  },
};
