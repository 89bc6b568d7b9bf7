/** The built agent sets the alias of its configuration, shows it, and remembers where it points. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { lookUp } from '../service/client.ts';
import {
  accountSection,
  agentSection,
  hostSection,
  makeRouter,
  makeService,
  section,
  until,
} from './agent-process.ts';

const ALIAS = 'www.standby.example';

test('an alias is set at the first start, remembered, and read again on request', async () => {
  const service = await makeService();
  const router = makeRouter();
  router.configure(
    [
      agentSection(service, { state_dir: '{DIR}/state', published_file: '{DIR}/flash/published.json' }),
      accountSection(service, 'demo'),
      section('account', 'zone', {
        provider: 'pdns',
        server: service.zoneApi.url,
        password: service.zoneApi.key,
        ca_file: service.caFile,
      }),
      hostSection('home', 'home.ddns.example', 'demo', { standby: ['nas'] }),
      hostSection('nas', 'nas.hopto.example', 'demo'),
      section('alias', 'www', { hostname: ALIAS, account: 'zone', target: ['home', 'nas'] }),
    ].join('\n'),
  );
  router.moveTo('192.0.2.10');
  const cname = async () => (await lookUp(service, 'ns1.standby.example', ALIAS, 'CNAME'))?.answers;

  const agent = await router.boot();
  await until('the CNAME', async () => (await cname())?.includes('CNAME home.ddns.example') === true);
  const shown = await until('the alias in the status', () => {
    const [alias] = router.status()?.aliases ?? [];
    return alias?.code === 'alias/OK' && alias;
  });
  agent.signal('TERM');
  await agent.ended;

  expect(shown).toMatchObject({
    id: 'www',
    target: 'home',
    verdict: 'ok',
    sentence: 'It points at home.ddns.example.',
  });
  expect(JSON.parse(readFileSync(router.publishedFile, 'utf8')).aliases).toMatchObject({
    www: { hostname: ALIAS, account: 'zone', target: 'home' },
  });
  expect(readFileSync(`${router.stateDir}/state.json`, 'utf8')).not.toContain(service.zoneApi.key);

  // Somebody moves it by hand meanwhile: the next agent knows where it was, and looks when it is asked.
  service.levers.setRecord(ALIAS, 'CNAME', 'nas.hopto.example');
  const next = await router.boot();
  const status = await router.run('status');
  next.signal('USR1');
  await until('what is there', () => router.status()?.aliases[0]?.target === 'nas');

  expect(status.stdout).toContain(`${ALIAS} (www, alias)`);
  expect(status.stdout).toContain('points at: home.ddns.example since ');
  expect(await cname()).toEqual(['CNAME nas.hopto.example']);
});
