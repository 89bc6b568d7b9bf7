/** A program that makes DNS checks for the agent on QuickJS, and ends. */
import { answerChecks } from './engine/answer-checks.ts';
import { quickjsHost } from './hosts/quickjs.ts';
import { readInput } from './hosts/quickjs-checker.ts';
import { loadPartsFrom } from './hosts/quickjs-parts.ts';

const host = quickjsHost();
loadPartsFrom(host.programFolder);
answerChecks(host, readInput(), (told) => host.writeOut(`${JSON.stringify(told)}\n`)).then(
  () => host.exit(0),
  // The agent makes them itself, and meets the same defect.
  () => host.exit(1),
);
