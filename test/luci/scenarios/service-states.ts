import { openPage, textOf, untilState } from '../pages.ts';
import { CONFIGURED, type Scenario } from '../scenario.ts';
import { check, same } from '../stage.ts';

export const serviceStates: Scenario = {
  name: 'service-states',
  title: 'stopped, disabled, without a runtime and not installed are told apart, each with its button',
  stage: { config: CONFIGURED, begin: 'published' },
  async run(stage) {
    const { router, say } = stage;
    const visit = await stage.visit();
    const { page } = visit;
    const seen = new Set<string>();

    async function note(state: string): Promise<void> {
      await untilState(visit, state);
      const words = (await textOf(visit, '#holdfast-service')).split('\n')[0] ?? '';
      check(`the state ${state} has words of its own`, words.length > 8 && !seen.has(words), words);
      seen.add(words);
      say(`${state}: ${words}`);
      await visit.picture(`state-${state}`);
    }
    const press = (action: string) => page.click(`#holdfast-service button[data-action="${action}"]`);

    await openPage(visit, 'overview');
    await note('running');
    await press('stop');
    await note('stopped');
    same('running agents after a stop', router.service.running(), false);
    check('what is shown is said to be old', (await page.locator('#holdfast-service time').count()) > 0);
    await press('start');
    await untilState(visit, 'running');
    check('the agent runs after a start', router.service.running());

    router.configure(
      'holdfast',
      CONFIGURED.replace("config agent 'agent'", "config agent 'agent'\n\toption mode 'event'"),
    );
    await note('idle');
    router.configure('holdfast', CONFIGURED);
    await untilState(visit, 'running');

    await router.service.act('stop');
    await router.service.act('disable');
    await note('disabled');
    await press('enable');
    await untilState(visit, 'running');
    check('it starts at boot after an enable', router.service.enabled());

    await router.service.act('stop');
    router.configure(
      'holdfast',
      CONFIGURED.replace("config agent 'agent'", "config agent 'agent'\n\toption enabled '0'"),
    );
    await untilState(visit, 'disabled');
    await press('enable');
    await untilState(visit, 'running');
    same('the switch in the configuration', router.uci.sections('holdfast')[0]?.options.get('enabled'), '1');

    await router.service.act('stop');
    router.configure(
      'holdfast',
      CONFIGURED.replace("config hostname 'home'", "config hostname 'home'\n\toption enabled '0'"),
    );
    await note('empty');

    router.configure('holdfast', CONFIGURED);
    router.service.setRuntime(false);
    await note('noruntime');
    router.service.setRuntime(true);
    await untilState(visit, 'stopped');

    router.replyFor('status', { mode: 'resident', running: true, state: 'running', status: { version: 2 } });
    await note('unreadable');
    await openPage(visit, 'overview');
    await untilState(visit, 'unreadable');
    router.replyFor('status', undefined);
    await untilState(visit, 'stopped');

    router.setInstalled(false);
    await note('missing');
    await openPage(visit, 'overview');
    await untilState(visit, 'missing');
    router.setInstalled(true);
    await untilState(visit, 'stopped');
  },
};
