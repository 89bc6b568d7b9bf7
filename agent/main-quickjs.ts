/** Where QuickJS begins. */
import { quickjsHost, refuseForeignRuntime } from './hosts/quickjs.ts';
import { main } from './main.ts';

const host = quickjsHost();
refuseForeignRuntime(host);
main(host).catch((defect) => {
  host.writeErr(`holdfast: ${defect instanceof Error ? `${defect}\n${defect.stack}` : String(defect)}\n`);
  host.exit(1);
});
