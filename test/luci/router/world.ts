/**
 * What lies around the emulated router: the provider, its name servers and the resolvers are those of the
 * test service. On a real router they are found in the DNS; here every configuration that is handed to the
 * agent is completed with where they are. The user's own file never sees any of it.
 */
import { parseUci, type UciOption, writeUci } from '../../../agent/openwrt/uci.ts';
import { exampleConfig } from '../../service/example-config.ts';

/** The provider that the test service stands for. */
export const PROVIDER = 'no-ip.com';

/** What the agent section has to say of this world; the rest of it is the user's. */
const SURROUNDINGS = ['dns_port', 'resolver', 'public_resolver', 'control_server', 'doh_url'];
const ACCESS = ['server', 'ca_file'];

/** The text of a configuration as the agent gets it. */
export function inWorld(
  text: string,
  service: Parameters<typeof exampleConfig>[0],
  paths: { stateDir: string; publishedFile: string },
): string {
  const { sections, problems } = parseUci(text, 'holdfast');
  if (problems.length > 0) {
    return text;
  }
  const example = parseUci(exampleConfig(service), 'example').sections;
  const optionsOf = (type: string, names: readonly string[]) =>
    example.find((section) => section.type === type)?.options.filter(({ name }) => names.includes(name)) ??
    [];
  const agent = [
    ...optionsOf('agent', SURROUNDINGS),
    option('state_dir', paths.stateDir),
    option('published_file', paths.publishedFile),
    // The smallest that is allowed: nobody wants to watch a test wait.
    option('hold_down', '1'),
  ];
  if (!sections.some(({ type }) => type === 'agent')) {
    sections.push({ type: 'agent', name: 'agent', index: 0, line: 1, options: [] });
  }
  return writeUci(
    sections.map(({ type, name, options }) => {
      const isOurs = options.some((one) => one.name === 'provider' && one.value === PROVIDER);
      // Documentation addresses are private in the eyes of the agent.
      const byType: Record<string, UciOption[]> = { agent, hostname: [option('allow_private', '1')] };
      const added = type === 'account' && isOurs ? optionsOf('account', ACCESS) : (byType[type] ?? []);
      const kept = options.filter((one) => !added.some((other) => other.name === one.name));
      return { type, name, options: [...kept, ...added] };
    }),
  );
}

function option(name: string, value: string): UciOption {
  return { name, value, line: 1 };
}
