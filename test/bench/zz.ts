import { createMade, pause } from '../demo/cleanup.ts';
import { startService } from '../service/service.ts';
import { loopbackConfig, manyAccounts, PATIENT, startLoopbackRouter, untilTrue } from './loopback.ts';
import { commandFor } from '../quickjs/runtime.ts';
import { nodeFlags } from './clients.ts';
const made = createMade();
const N=+(process.argv[2]??1000), A=+(process.argv[3]??50);
const rt=(process.argv[4]??'node') as 'node'|'quickjs';
try {
  const service = await startService({ accounts: manyAccounts(N,A), temper: PATIENT });
  made.onUndo(()=>service.close());
  const router = startLoopbackRouter(made, { command: await commandFor(rt, '/work/main/dist/'), flags: rt==='node'?[...(process.env.PLAIN?[]:nodeFlags()), ...(process.env.PROF?['--cpu-prof','--cpu-prof-dir=/tmp/prof']:[])]:['--strip-source'], config: loopbackConfig(service,{verify:'0'}), address:'203.0.113.9'});
  const all=(a:string)=>{ for(let i=0;i<N;i++) if(service.values(`h${i}.ddns.example`,'A')[0]!==a) return false; return true; };
  let t=performance.now();
  await untilTrue(()=>all('203.0.113.9')||router.hasEnded(), ()=>'no: '+router.complaint()+JSON.stringify(service.requests().length), 120000);
  console.log('start', (performance.now()-t)|0, service.requests().length, router.complaint());
  await pause(3000);
  for (let k=10;k<14;k++){ t=performance.now(); router.moveTo('203.0.113.'+k); await untilTrue(()=>all('203.0.113.'+k), ()=>'no '+router.complaint()+service.requests().length, 60000); console.log('renumber',(performance.now()-t)|0, service.requests().length); await pause(2000);}
  await router.end();
} finally { await made.undoAll(); }
process.exit(0);
