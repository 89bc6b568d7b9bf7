import { openPage, PAGES } from '../pages.ts';
import { STATUS } from '../router/ubus.ts';
import { CONFIGURED, type Scenario } from '../scenario.ts';
import { check, same } from '../stage.ts';

/** What changes something, with arguments that would do it. */
const CHANGING: readonly [object: string, method: string, args: Record<string, unknown>][] = [
  ['holdfast', 'update', {}],
  ['holdfast', 'check', {}],
  ['holdfast', 'trace', { hostname: 'home' }],
  ['holdfast', 'test', { config: {} }],
  ['holdfast', 'service', { action: 'stop' }],
  ['holdfast', 'import', { apply: true }],
  ['uci', 'set', { config: 'holdfast', section: 'noip', values: { password: 'other' } }],
  ['uci', 'delete', { config: 'holdfast', section: 'noip' }],
  ['uci', 'apply', {}],
];

export const readOnly: Scenario = {
  name: 'read-only',
  title: 'who may only read sees everything and changes nothing',
  stage: { config: CONFIGURED, begin: 'published' },
  async run(stage) {
    const { router, say } = stage;
    const before = { config: router.config('holdfast'), sent: stage.service.requests().length };
    const visit = await stage.visit('guest');
    const { page } = visit;
    const from = router.rpcd.calls().length;
    for (const name of PAGES) {
      await openPage(visit, name);
      await page.waitForLoadState('networkidle');
      const live = await page
        .locator(
          'button[data-action]:enabled, .cbi-page-actions button:enabled, .cbi-button-add:enabled, .cbi-button-remove:enabled',
        )
        .evaluateAll((nodes) =>
          nodes
            .filter((node) => node.dataset.action !== 'close')
            .map((node) => node.textContent.trim() || node.className),
        );
      // Putting the fields back changes nothing.
      const changing = (live as string[]).filter((text) => !/^(Reset|Dismiss|Close)$/.test(text));
      same(`buttons on ${name} that could change something`, changing, []);
      await visit.picture(`read-only-${name}`);
    }
    const refused = stage.callsSince(from).filter(({ outcome }) => outcome < 0 || outcome === 6);
    say(
      `refused calls that the pages made by themselves: ${refused.map(({ object, method }) => `${object}.${method}`).join(', ') || 'none'}`,
    );
    const writing = stage.callsSince(from).filter(({ object, method }) => {
      return CHANGING.some(([one, other]) => one === object && other === method);
    });
    same(
      'calls of the pages that change something',
      writing.map(({ method }) => method),
      [],
    );

    const guest = router.sessions.login('guest', 'guest-password')?.id;
    for (const [object, method, args] of CHANGING) {
      const message = { jsonrpc: '2.0', id: 1, method: 'call', params: [guest, object, method, args] };
      const reply = await router.rpcd.answer(JSON.stringify(message));
      same(`${object}.${method} of a guest`, reply, {
        jsonrpc: '2.0',
        id: 1,
        error: { code: -32002, message: 'Access denied' },
      });
    }
    const exec = { command: '/usr/bin/holdfast', params: ['update'] };
    const message = { jsonrpc: '2.0', id: 1, method: 'call', params: [guest, 'file', 'exec', exec] };
    const reply = await router.rpcd.answer(JSON.stringify(message));
    same('file.exec of a guest', reply, { jsonrpc: '2.0', id: 1, result: [STATUS.permissionDenied] });
    same('afterwards', { config: router.config('holdfast'), sent: stage.service.requests().length }, before);
    check('the agent still runs', router.service.running());
  },
};
