import { createMade, pause } from '../demo/cleanup.ts';
import { buildLab, until } from './lab.ts';
import { ddclient } from './clients.ts';
const made = createMade();
try {
  const client = ddclient(true);
  const lab = await buildLab(made, made.folder(), [{ubus:false}]);
  const router = lab.routers[0]!;
  const { argv, env } = client.prepare(router, lab.provider.service, 'https');
  const child = made.child([...argv,'-verbose','-debug'], { env, stdio: ['ignore','pipe','pipe'] });
  child.stdout!.on('data',(d)=>process.stdout.write(d)); child.stderr!.on('data',(d)=>process.stdout.write(d));
  await pause(4000); router.wake('HUP', child.pid!);
  for (let r=0;r<3;r++) { console.log('=====MOVE'); const m = await router.move(); console.log('MOVED', m.address); await pause(5000); console.log('====', lab.provider.requestSince(router.hostname, m.atMs, m.address)); }
} finally { await made.undoAll(); }
process.exit(0);
