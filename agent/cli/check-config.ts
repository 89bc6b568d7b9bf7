/** `holdfast check-config`: every mistake with its place; status 2 when there is an error. */
import { type CommandContext, EXIT } from './command.ts';
import { counted, problemText } from './problem.ts';

export async function checkConfig({
  host,
  configFile,
  json,
  readConfiguration,
}: CommandContext): Promise<number> {
  const configuration = await readConfiguration();
  if (!configuration.ok) {
    host.writeErr(`holdfast: ${configuration.sentence}\n`);
    return EXIT.usage;
  }
  const { config, problems } = configuration;
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const enabled = config.hostnames.filter((one) => one.enabled).map((one) => one.id);
  if (json) {
    host.writeOut(`${JSON.stringify({ file: configFile, errors, enabled, problems })}\n`);
  } else {
    for (const problem of problems) {
      host.writeOut(`${problemText(problem)}\n`);
    }
    const verdict =
      problems.length === 0
        ? 'No mistakes.'
        : `${counted(errors, 'error')}, ${counted(problems.length - errors, 'warning')}.`;
    host.writeOut(`${verdict} Hostnames kept up to date: ${enabled.join(', ') || 'none'}.\n`);
  }
  return errors > 0 ? EXIT.usage : EXIT.ok;
}
