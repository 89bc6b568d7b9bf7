/** `npm run faults`: plays the fault table and shows what Holdfast says; `--write` renews FAULTS.md. */
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ENDS, type Fault, playFault, type Result } from './fault.ts';
import { type Lab, openLab } from './lab.ts';
import { faultsPage, says } from './page.ts';
import { TABLE } from './table.ts';

const HELP = `Usage: npm run faults -- [options]

Plays every row of the fault table with the built agent against the test service, and prints what Holdfast
says, how many update requests the provider got, how it ends, and whether that is what the table expects.

  --only TEXT   rows whose description has this text
  --write       renew FAULTS.md (what is expected; nothing is played)
  --help        print this text

Exit status: 0 all as expected, 1 not so, 2 wrong usage.
`;

const BUNDLE = fileURLToPath(new URL('../../dist/holdfast.cjs', import.meta.url));
const PAGE = fileURLToPath(new URL('../../FAULTS.md', import.meta.url));
/** Laboratories at a time: more would only wait for each other's processor. */
const LABS = 2;

process.exitCode = await run(process.argv.slice(2));

async function run(argv: string[]): Promise<number> {
  let asked: { only: string; write: boolean; help: boolean };
  try {
    asked = parseArgs({
      args: argv,
      options: {
        only: { type: 'string', default: '' },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\nTry --help.\n`);
    return 2;
  }
  if (asked.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (asked.write) {
    writeFileSync(PAGE, faultsPage(TABLE));
    process.stdout.write('FAULTS.md is written.\n');
    return 0;
  }
  if (!existsSync(BUNDLE)) {
    process.stderr.write('dist/holdfast.cjs is not there: run `npm run build` first.\n');
    return 1;
  }
  return (await playAll(asked.only)) ? 0 : 1;
}

async function playAll(only: string): Promise<boolean> {
  const rows = TABLE.flatMap(({ title, faults }) => faults.map((fault) => ({ title, fault })));
  const wanted = rows.filter(({ fault }) => fault.fault.includes(only));
  if (wanted.length === 0) {
    process.stderr.write(`No row has '${only}' in its description; FAULTS.md lists them.\n`);
    return false;
  }
  const played: { line: string; passed: boolean }[] = [];
  let next = 0;
  let shown = 0;

  async function work(lab: Lab): Promise<void> {
    for (let row = wanted[next++]; row; row = wanted[next++]) {
      const at = wanted.indexOf(row);
      played[at] = await play(lab, row.fault);
      show();
    }
  }

  /** In the order of the table, whoever was first. */
  function show(): void {
    for (let one = played[shown]; one; one = played[shown]) {
      const { title = '' } = wanted[shown] ?? {};
      process.stdout.write(`${title === wanted[shown - 1]?.title ? '' : `\n${title}\n\n`}${one.line}\n`);
      shown += 1;
    }
  }

  const labs = await Promise.all(Array.from({ length: LABS }, () => openLab(BUNDLE)));
  await Promise.all(labs.map(work));
  await Promise.all(labs.map((lab) => lab.close()));
  const passed = played.filter((one) => one.passed).length;
  process.stdout.write(`\n${passed} of ${wanted.length} faults as expected.\n`);
  return passed === wanted.length;
}

async function play(lab: Lab, fault: Fault): Promise<{ line: string; passed: boolean }> {
  try {
    const result = await playFault(lab, fault);
    const { sentence: _, ...found } = result;
    const passed = differences(found, fault.expected).length === 0;
    return { passed, line: lineOf(fault, result, differences(found, fault.expected)) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { passed: false, line: `FAILED  ${fault.fault}\n        ${reason}` };
  }
}

function lineOf(fault: Fault, result: Result, wrong: string[]): string {
  const requests = `${result.requests} ${result.requests === 1 ? 'request' : 'requests'}`;
  return [
    `${wrong.length === 0 ? 'passed ' : 'FAILED '} ${fault.fault}  (${fault.made})`,
    `        ${says(result)}; ${requests}; ${ENDS[result.end]}`,
    `        "${result.sentence}"`,
    ...wrong.map((one) => `        ${one}`),
  ].join('\n');
}

function differences(found: Partial<Fault['expected']>, expected: Fault['expected']): string[] {
  return (['verdict', 'code', 'requests', 'end', 'incident', 'event'] as const).flatMap((key) =>
    found[key] === expected[key] ? [] : [`${key} is ${found[key]}, expected ${expected[key]}`],
  );
}
