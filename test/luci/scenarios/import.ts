import { openPage, textOf } from '../pages.ts';
import { EMPTY, HOME, type Scenario } from '../scenario.ts';
import { check, same, until } from '../stage.ts';

const THEIRS = `config ddns 'global'
\toption ddns_dateformat '%F %R'
\toption upd_privateip '0'

config service 'myddns_ipv4'
\toption enabled '1'
\toption service_name 'no-ip.com'
\toption lookup_host '${HOME}'
\toption domain '${HOME}'
\toption username 'demo'
\toption password 'demo-password'
\toption interface 'wan'
\toption ip_source 'network'
\toption ip_network 'wan'
\toption use_https '1'

config service 'oddity'
\toption enabled '1'
\toption service_name 'no-such-service.example'
\toption domain 'other.example.org'
\toption username 'demo'
\toption password 'demo-password'
`;

export const importing: Scenario = {
  name: 'import',
  title: 'the import from ddns-scripts is shown, applied and undone',
  stage: { config: EMPTY },
  async run(stage) {
    const { router } = stage;
    router.configure('ddns', THEIRS);
    const before = { ours: router.config('holdfast'), theirs: router.config('ddns') };
    const visit = await stage.visit();
    const { page } = visit;
    await openPage(visit, 'overview');
    await page.click('#holdfast-empty a[href$="/import"]');

    await page.waitForSelector('#holdfast-import');
    const verdictOf = (section: string) =>
      page.getAttribute(`#holdfast-import tr[data-section="${section}"]`, 'data-verdict');
    check('what can be taken is told', ['taken', 'changed'].includes((await verdictOf('myddns_ipv4')) ?? ''));
    same('what cannot be taken', await verdictOf('oddity'), 'refused');
    const why = await textOf(visit, '#holdfast-import tr[data-section="oddity"]');
    check('and why', why.includes('no-such-service.example'), why);
    const all = await textOf(visit, 'body');
    check('no password is shown', !all.includes('demo-password'));
    same(
      'the files after a look',
      { ours: router.config('holdfast'), theirs: router.config('ddns') },
      before,
    );
    await visit.picture('import-preview');

    await page.click('button[data-action="apply"]');
    await page.waitForSelector('button[data-action="undo"]');
    await visit.picture('import-applied');
    same('rows of what is taken over already', await page.locator('#holdfast-import').count(), 0);
    check('the outcome is said', (await textOf(visit, '#holdfast-import-outcome')).length > 10);
    const taken = router.uci.sections('holdfast').filter(({ type }) => type === 'hostname');
    same(
      'hostnames taken over',
      taken.map(({ options }) => options.get('hostname')),
      [HOME],
    );
    const theirs = router.uci.sections('ddns').find(({ name }) => name === 'myddns_ipv4');
    same('their section afterwards', theirs?.options.get('enabled'), '0');
    await until('the agent with what was taken', () =>
      router.status()?.hostnames.some(({ hostname }) => hostname === HOME),
    );

    await page.click('button[data-action="undo"]');
    await page.waitForSelector('button[data-action="undo"]', { state: 'detached' });
    same(
      'the files after the undo',
      { ours: router.config('holdfast'), theirs: router.config('ddns') },
      before,
    );
    check(
      'what can be taken is told again',
      ['taken', 'changed'].includes((await verdictOf('myddns_ipv4')) ?? ''),
    );
    await visit.picture('import-undone');
  },
};
