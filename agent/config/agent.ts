/** The agent section: every option has a default, so that a mistake never stops the agent. */
import { parseAddress } from '../core/address.ts';
import type { UciSection } from '../openwrt/uci.ts';
import type { DnsServer } from '../ports.ts';
import type { AgentSettings, NotifyAddress } from './config.ts';
import { parseNotifyAddress } from './notify.ts';
import { allowedText, type Complain, readSection, shown } from './section.ts';
import { type AgentOptions, sectionFacts, validateAgent } from './validate.generated.js';

const DNS_PORT = 53;

/** All defaults when there is no section. */
export function readAgent(section: UciSection | undefined, complain: Complain): AgentSettings {
  const nothing: UciSection = { type: 'agent', name: undefined, index: 0, line: 1, options: [] };
  const options = readSection(section ?? nothing, 'agent', validateAgent, complain, true);
  if (options === undefined) {
    throw new Error('the schema has an agent option without a default');
  }
  return {
    enabled: options.enabled,
    logLevel: options.log_level,
    resyncSec: options.resync,
    holdDownSec: options.hold_down,
    verify: options.verify,
    runtime: options.runtime,
    mode: options.mode,
    contact: options.contact,
    notify: readNotify(options, written(section, 'notify'), complain),
    notifyScript: options.notify_script,
    resolvers: readServers('resolver', options, complain),
    publicResolvers: readServers('public_resolver', options, complain),
    controlServers: readServers('control_server', options, complain),
    dohUrls: options.doh_url,
    dnsPort: options.dns_port,
    stateDir: options.state_dir,
    publishedFile: options.published_file,
  };
}

/** The entries of a list as they stand in the file, bad ones as well. */
function written(section: UciSection | undefined, option: string): string[] {
  const values = section?.options.flatMap(({ name, value }) => (name === option ? value : [])) ?? [];
  return values.flatMap((value) => value.split(/[ \t\r\n]+/).filter((item) => item !== ''));
}

function readNotify({ notify }: AgentOptions, entries: string[], complain: Complain): NotifyAddress[] {
  return notify.flatMap((text) => {
    const address = parseNotifyAddress(text);
    const which = `Entry ${entries.indexOf(text) + 1} of option 'notify'`;
    if (!address) {
      const sentence = `${which} is no address that can be posted to; it must be ${sectionFacts.agent.options.notify?.allowed}. It is left out.`;
      complain({ severity: 'error', option: 'notify', code: 'config/BAD_VALUE', sentence });
      return [];
    }
    if (address.exposed) {
      const sentence = `${which} sends to ${address.server} in the clear; use https:// where the server has it.`;
      complain({ severity: 'warning', option: 'notify', code: 'config/PLAIN_HTTP', sentence });
    }
    return [address];
  });
}

function readServers(
  name: 'resolver' | 'public_resolver' | 'control_server',
  options: AgentOptions,
  complain: Complain,
): DnsServer[] {
  return options[name].flatMap((text) => {
    const server = parseServer(text);
    if (server !== undefined) {
      return [server];
    }
    const facts = sectionFacts.agent.options[name];
    const value = shown(text);
    complain({
      severity: 'error',
      option: name,
      ...(value === undefined ? {} : { value }),
      code: 'config/BAD_VALUE',
      sentence: `Option '${name}' is '${value ?? ''}' but must be ${facts === undefined ? 'an address' : allowedText(facts)}. It is left out.`,
    });
    return [];
  });
}

/** `ADDRESS` or, as dnsmasq writes it, `ADDRESS#PORT`. */
function parseServer(text: string): DnsServer | undefined {
  const [address = '', portText = String(DNS_PORT)] = text.split('#');
  const parsed = parseAddress(address);
  const port = Number(portText);
  return parsed === undefined || port < 1 || port > 65535 ? undefined : { address: parsed.canonical, port };
}
