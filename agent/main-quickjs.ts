/** The agent on QuickJS; start-quickjs.ts is where it begins. */
import { quickjsHost, refuseForeignRuntime } from './hosts/quickjs.ts';
import { loadPartsFrom } from './hosts/quickjs-parts.ts';
import { main } from './main.ts';

const host = quickjsHost();
refuseForeignRuntime(host);
loadPartsFrom(host.programFolder);
main(host).catch((defect) => {
  host.writeErr(`holdfast: ${defect instanceof Error ? `${defect}\n${defect.stack}` : String(defect)}\n`);
  host.exit(1);
});
