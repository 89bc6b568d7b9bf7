/** `npm run service`: the test service as a program of its own. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { leverNames } from './control.ts';
import { exampleConfig } from './example-config.ts';
import { type Service, type ServiceOptions, startService } from './service.ts';

const help = `Usage: npm run service -- [options]

Runs a complete dynamic-DNS service on loopback: an HTTPS update API (dyndns2), a web site, name servers
for a small world under "example", two public resolvers, and levers to break any of it. Ctrl-C ends it.

  --api-port N       port of the update API (default: a free one)
  --web-port N       port of the web site
  --dns-port N       port of all name servers and resolvers
  --control-port N   port of the levers
  --time-scale N     let time pass N times as fast for TTLs, blocks and delays
  --ca-file FILE     where to write the certificate authority (PEM)
  --options FILE     JSON file with any option of startService (accounts, zones, addresses, ...)
  --json             print one line of JSON about where everything is
  --help             print this text

Levers: POST JSON to CONTROL/levers/NAME, NAME one of
  ${leverNames.slice(0, 13).join(' ')}
  ${leverNames.slice(13).join(' ')}
e.g. curl -d '{"zone":"ddns.example","mode":"drop"}' CONTROL/levers/seize
See also CONTROL/state, CONTROL/requests, CONTROL/dns-queries.
`;

const usageExit = 2;
const failedExit = 1;

void run(process.argv.slice(2));

async function run(argv: string[]): Promise<void> {
  let asked: { json: boolean; help: boolean; options: ServiceOptions };
  try {
    asked = await readArguments(argv);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\nTry --help.\n`);
    process.exitCode = usageExit;
    return;
  }
  if (asked.help) {
    process.stdout.write(help);
    return;
  }
  try {
    const service = await startService(asked.options);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void service.close());
    process.stdout.write(asked.json ? `${JSON.stringify(summary(service))}\n` : description(service));
  } catch (error) {
    process.stderr.write(`The service could not start: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = failedExit;
  }
}

async function readArguments(argv: string[]) {
  const { values } = parseArgs({
    args: argv,
    options: {
      'api-port': { type: 'string' },
      'web-port': { type: 'string' },
      'dns-port': { type: 'string' },
      'control-port': { type: 'string' },
      'time-scale': { type: 'string' },
      'ca-file': { type: 'string' },
      options: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const fromFile: ServiceOptions = values.options ? JSON.parse(await readFile(values.options, 'utf8')) : {};
  const given: ServiceOptions = {
    apiPort: number(values['api-port'], 'api-port'),
    webPort: number(values['web-port'], 'web-port'),
    dnsPort: number(values['dns-port'], 'dns-port'),
    controlPort: number(values['control-port'], 'control-port'),
    timeScale: number(values['time-scale'], 'time-scale'),
    caFile: values['ca-file'],
  };
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { json: values.json, help: values.help, options: { ...fromFile, ...present } };
}

function number(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text === '' || !(value >= 0)) throw new Error(`--${option} must be a number`);
  return value;
}

function summary(service: Service) {
  const { api, web, dns, control, caFile } = service;
  return { api, web, dns, control, caFile, config: exampleConfig(service) };
}

function description(service: Service): string {
  const { api, web, dns, control, caFile, accounts } = service;
  const servers = dns.servers.map(
    ({ role, address, name }) => `  ${role.padEnd(9)} ${address.padEnd(16)} ${name}`,
  );
  const users = accounts.map(
    ({ username, password, hosts }) => `  ${username} / ${password}: ${hosts.join(', ')}`,
  );
  return [
    `update API  ${api.url}`,
    `web site    ${web.url}`,
    `control     ${control.url}`,
    `CA file     ${caFile}`,
    `DNS port    ${dns.port} (UDP and TCP)`,
    ...servers,
    ...dns.resolvers.map((address, at) => `  resolver  ${address.padEnd(16)} ${dns.dohUrls[at] ?? ''}`),
    `  resolver  ${dns.localResolver.padEnd(16)} of the user's own network`,
    'accounts',
    ...users,
    '',
    '--- /etc/config/holdfast for this service ---',
    exampleConfig(service),
    '--- end; Ctrl-C ends the service ---',
    '',
  ].join('\n');
}
