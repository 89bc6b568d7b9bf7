/** An account section: a credential that fits its provider. */
import type { UciSection } from '../openwrt/uci.ts';
import type { ProviderDefinition } from '../providers/definition.ts';
import type { AccountConfig } from './config.ts';
import { type Complain, readSection, shown } from './section.ts';
import { closest } from './suggest.ts';
import { type AccountOptions, validateAccount } from './validate.generated.js';

const MAX_SECRET_CHARS = 1024;

/** `contact` is the agent's; `readSecret` gives the text of a password file. */
export function readAccount(
  section: UciSection,
  complain: Complain,
  catalogue: ReadonlyMap<string, ProviderDefinition>,
  contact: string,
  readSecret: (path: string) => string | undefined,
): AccountConfig | undefined {
  const options = readSection(section, 'account', validateAccount, complain);
  const id = section.name;
  if (id === undefined) {
    complain({
      severity: 'error',
      code: 'config/UNNAMED_ACCOUNT',
      sentence: "An account needs a name for the hostnames to refer to, for example: config account 'home'.",
    });
  }
  if (options === undefined || id === undefined) {
    return undefined;
  }
  const provider = catalogue.get(options.provider);
  if (provider === undefined) {
    complainOfProvider(options.provider, catalogue, complain);
    return undefined;
  }
  const password = readPassword(options, readSecret, complain);
  if (password === 'wrong' || !hasRequiredFields(options, password?.text, provider, complain)) {
    return undefined;
  }
  warnOfOddities(options, provider, contact, complain);
  return {
    id,
    provider,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(password === undefined ? {} : { password: password.text }),
    ...(options.server === undefined ? {} : { server: options.server.replace(/\/$/, '') }),
    ...(options.ca_file === undefined ? {} : { caFile: options.ca_file }),
  };
}

function complainOfProvider(
  id: string,
  catalogue: ReadonlyMap<string, ProviderDefinition>,
  complain: Complain,
): void {
  const guess = closest(id, catalogue.keys());
  const value = shown(id);
  const name = value === undefined ? 'This provider' : `The provider '${value}'`;
  complain({
    severity: 'error',
    option: 'provider',
    ...(value === undefined ? {} : { value }),
    code: 'config/UNKNOWN_PROVIDER',
    sentence: `${name} is not in the catalogue; ${guess === undefined ? "the command 'holdfast providers' lists all." : `did you mean '${guess}'?`}`,
  });
}

function readPassword(
  options: AccountOptions,
  readSecret: (path: string) => string | undefined,
  complain: Complain,
): { text: string } | undefined | 'wrong' {
  if (options.password_file === undefined) {
    return options.password === undefined ? undefined : { text: options.password };
  }
  if (options.password !== undefined) {
    complain({
      severity: 'error',
      option: 'password_file',
      code: 'config/TWO_PASSWORDS',
      sentence: "Options 'password' and 'password_file' are both set; remove one of them.",
    });
    return 'wrong';
  }
  const [firstLine = ''] = (readSecret(options.password_file) ?? '').split('\n', 1);
  const text = firstLine.endsWith('\r') ? firstLine.slice(0, -1) : firstLine;
  if (text === '' || text.length > MAX_SECRET_CHARS) {
    complain({
      severity: 'error',
      option: 'password_file',
      code: 'config/PASSWORD_FILE',
      sentence:
        'The password file cannot be read or has no password on its first line; check that it exists and that the agent may read it.',
    });
    return 'wrong';
  }
  return { text };
}

function hasRequiredFields(
  { username, server }: AccountOptions,
  password: string | undefined,
  provider: ProviderDefinition,
  complain: Complain,
): boolean {
  const given = { username, password, server };
  let complete = true;
  for (const name of ['username', 'password', 'server'] as const) {
    const field = provider.fields[name];
    const isRequired = field?.required === true || (name === 'server' && provider.endpoint === undefined);
    if (isRequired && given[name] === undefined) {
      complete = false;
      complain({
        severity: 'error',
        option: name,
        code: 'config/MISSING_OPTION',
        sentence: `${provider.title} needs option '${name}'${field === undefined ? '' : ` (${field.title})`}.`,
      });
    }
  }
  return complete;
}

function warnOfOddities(
  options: AccountOptions,
  provider: ProviderDefinition,
  contact: string,
  complain: Complain,
): void {
  if (provider.wantsContact === true && contact === '') {
    complain({
      severity: 'warning',
      code: 'config/NO_CONTACT',
      sentence: `${provider.title} asks for an e-mail address in each request; set option 'contact' in the agent section.`,
    });
  }
  if (provider.decodeUsername !== true && /%3a/i.test(options.username ?? '')) {
    complain({
      severity: 'warning',
      option: 'username',
      code: 'config/ENCODED_USERNAME',
      sentence: `The user name has '%3A' and is sent to ${provider.title} as it stands; write ':' if that is meant.`,
    });
  }
  if (options.username !== undefined && provider.fields.username === undefined) {
    complain({
      severity: 'warning',
      option: 'username',
      code: 'config/UNUSED_OPTION',
      sentence: `${provider.title} has no use for option 'username'.`,
    });
  }
}
