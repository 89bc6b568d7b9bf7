/** An account section: a credential that fits its provider. */
import type { UciSection } from '../openwrt/uci.ts';
import { type Catalogue, deathNotice, isDead, type ProviderDefinition } from '../providers/definition.ts';
import type { AccountConfig } from './config.ts';
import { type Complain, readSection, shown } from './section.ts';
import { closest } from './suggest.ts';
import { type AccountOptions, validateAccount } from './validate.generated.js';

const MAX_SECRET_CHARS = 1024;
/** An RSA key of 8192 bits in a JSON file has half of it. */
const MAX_KEY_CHARS = 16_384;
/** A private key in PEM, or within the JSON file that Google gives out: many lines are one secret. */
const PRIVATE_KEY = /^\s*-----BEGIN [A-Z ]*PRIVATE KEY-----|^\s*\{[\s\S]*"private_key"/;

/** `contact` is the agent's; `readSecret` gives the text of a password file. */
export function readAccount(
  section: UciSection,
  complain: Complain,
  catalogue: Catalogue,
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
  if (isDead(provider)) {
    complain({
      severity: 'error',
      option: 'provider',
      value: provider.id,
      code: 'config/DEAD_PROVIDER',
      sentence: deathNotice(provider),
    });
    return undefined;
  }
  const password = readPassword(options, readSecret, complain);
  const further = furtherOptions(options);
  if (
    password === 'wrong' ||
    !isServerOfKind(options.server, provider, complain) ||
    !isUrlWhole(options.url, complain) ||
    !hasRequiredFields({ ...options, ...further, password: password?.text }, provider, complain)
  ) {
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
    options: further,
  };
}

/** What only some providers have a use for. */
function furtherOptions(options: AccountOptions): Record<string, string> {
  const {
    provider: _provider,
    username: _username,
    password: _password,
    password_file: _passwordFile,
    server: _server,
    ca_file: _caFile,
    ...further
  } = options;
  return Object.fromEntries(
    Object.entries(further).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join('\n') : String(value),
    ]),
  );
}

function complainOfProvider(id: string, catalogue: Catalogue, complain: Complain): void {
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
  const whole = readSecret(options.password_file) ?? '';
  const [firstLine = ''] = whole.split('\n', 1);
  const isKey = PRIVATE_KEY.test(whole);
  const text = isKey ? whole.trim() : firstLine.replace(/\r$/, '');
  if (text === '' || text.length > (isKey ? MAX_KEY_CHARS : MAX_SECRET_CHARS)) {
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

/** An update over HTTP goes to an origin, one over DNS to a name server. */
function isServerOfKind(
  server: string | undefined,
  { protocol }: ProviderDefinition,
  complain: Complain,
): boolean {
  const isOrigin = server?.startsWith('https://');
  if (isOrigin === undefined || isOrigin === (protocol !== 'rfc2136')) {
    return true;
  }
  const allowed = isOrigin
    ? 'a name server as HOST or HOST:PORT, without https://'
    : 'https://HOST or https://HOST:PORT without a path or a user name';
  const value = shown(server ?? '');
  complain({
    severity: 'error',
    option: 'server',
    ...(value === undefined ? {} : { value }),
    code: 'config/BAD_VALUE',
    sentence: `Option 'server'${value === undefined ? '' : ` is '${value}' but`} must be ${allowed}.`,
  });
  return false;
}

/** What follows a # is for browsers and never sent (RFC 3986 section 3.5): an address there would reach nobody. */
function isUrlWhole(url: string | undefined, complain: Complain): boolean {
  const isWhole = url?.includes('#') !== true;
  if (!isWhole) {
    complain({
      severity: 'error',
      option: 'url',
      code: 'config/BAD_VALUE',
      sentence:
        "Option 'url' must be a URL without #, for nothing after it is ever sent; write %23 where the sign itself is meant.",
    });
  }
  return isWhole;
}

function hasRequiredFields(
  given: Record<string, unknown>,
  provider: ProviderDefinition,
  complain: Complain,
): boolean {
  let complete = true;
  for (const [name, field] of Object.entries(provider.fields)) {
    if (field.required && given[name] === undefined) {
      complete = false;
      complain({
        severity: 'error',
        option: name,
        code: 'config/MISSING_OPTION',
        sentence: `${provider.title} needs option '${name}' (${field.title}).`,
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
  for (const name of ['username', ...Object.keys(furtherOptions(options))]) {
    if (options[name as keyof AccountOptions] !== undefined && !Object.hasOwn(provider.fields, name)) {
      complain({
        severity: 'warning',
        option: name,
        code: 'config/UNUSED_OPTION',
        sentence: `${provider.title} has no use for option '${name}'.`,
      });
    }
  }
}
