/** The forms against the schema of the configuration: every option is there, and takes what the agent takes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OPTIONS_FILE, optionsText } from '../../firmware-glue/pack/i18n.mjs';
import { loadModule, type Parts } from './pure/module.ts';

type Kind = 'agent' | 'account' | 'hostname' | 'alias';
type Verdict = true | string;

interface Facts {
  type: 'boolean' | 'integer' | 'string' | 'array';
  title: string;
  default?: unknown;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  pattern?: string;
  minItems?: number;
  items?: { pattern?: string };
  'x-secret'?: boolean;
}

/** What a form is told of an option. */
interface FormOption {
  option: string;
  widget: string;
  title: string;
  description: string;
  tab?: string;
  choices: Map<string, string>;
  deps: unknown[];
  datatype?: string;
  default?: unknown;
  placeholder?: string;
  password?: boolean;
  rmempty?: boolean;
  optional?: boolean;
  validate(section: string, value: unknown): Verdict;
  checkDepends(section: string): boolean;
  parse(section: string): { retain: boolean };
}

/** What the account form shows: which provider is chosen in it, and which is saved. */
interface Shown {
  chosen: string;
  saved: string;
}

const SCHEMA: { $defs: Record<Kind, { required?: string[]; properties: Record<string, Facts> }> } =
  JSON.parse(readFileSync(new URL('../../schemas/config.schema.json', import.meta.url), 'utf8'));
const FORMS: Record<Kind, object> = JSON.parse(readFileSync(OPTIONS_FILE, 'utf8'));
const KINDS: readonly Kind[] = ['agent', 'account', 'hostname', 'alias'];
const VIEWS: Record<Kind, string> = {
  agent: 'settings',
  account: 'accounts',
  hostname: 'hostnames',
  alias: 'aliases',
};
/** Pickers whose choices are what the router has. */
const PICKERS = ['NetworkSelect', 'DeviceSelect', 'MultiValue', 'ProviderValue'];

/** Stands in for LuCI's forms: keeps what a view tells them. */
function recordingForm(shown: Shown) {
  const options: FormOption[] = [];
  const widget = (name: string) => ({ name, prototype: {} });
  const section = {
    children: options,
    formvalue: () => shown.chosen,
    cfgvalue: () => shown.saved,
    tab() {},
    option(kind: { name: string }, option: string, title: string, description: string): FormOption {
      const made = {
        ...{
          option,
          widget: kind.name,
          title,
          description,
          choices: new Map<string, string>(),
          deps: [] as unknown[],
        },
        value: (key: string, label: string) => made.choices.set(key, label),
        depends: (...dependency: unknown[]) => made.deps.push(dependency),
        ...{ section, map: { findElement: () => undefined }, cbid: String, retain: false },
        checkDepends: () => true,
        parse() {
          return { retain: this.retain };
        },
        validate: (): Verdict => true,
      };
      options.push(made);
      return made;
    },
    taboption(
      tab: string,
      kind: { name: string },
      option: string,
      title: string,
      description: string,
    ): FormOption {
      return Object.assign(this.option(kind, option, title, description), { tab });
    },
  };
  const names = [
    'Flag',
    'Value',
    'ListValue',
    'DynamicList',
    'MultiValue',
    'DummyValue',
    'GridSection',
    'TypedSection',
  ];
  const form = {
    ...Object.fromEntries(names.map((name) => [name, widget(name)])),
    Map: class {
      section = () => section;
      render = () => section;
    },
  };
  return { form, options, widget };
}

/** The options of a page, as it builds them on a router with one account and one hostname. */
function optionsOfPage(
  kind: Kind,
  shown: Shown = { chosen: '', saved: '' },
  providers: object[] = [],
): FormOption[] {
  const { form, options, widget } = recordingForm(shown);
  const sections: Record<string, object[]> = {
    agent: [{ '.name': 'agent' }],
    account: [{ '.name': 'noip' }],
    hostname: [{ '.name': 'home', hostname: 'home.example.org' }],
  };
  const uci = { sections: (_: string, type: string) => sections[type] ?? [], add() {}, load() {} };
  const words = loadModule('holdfast/words.js');
  const show = { h: () => ({}), style() {}, button: () => ({}) };
  const parts: Parts = {
    form,
    uci,
    'holdfast.words': words,
    'holdfast.show': show,
    view: { extend: (view: unknown) => view },
  };
  const made = loadModule('holdfast/options.js', parts);
  const page = loadModule<{ render(loaded: unknown[]): unknown }>(`view/holdfast/${VIEWS[kind]}.js`, {
    ...parts,
    'holdfast.options': made,
    'holdfast.picker': { ProviderValue: widget('ProviderValue') },
    'tools.widgets': { NetworkSelect: widget('NetworkSelect'), DeviceSelect: widget('DeviceSelect') },
  });
  page.render([FORMS, kind === 'account' ? { providers } : []]);
  return options.filter(({ option }) => !option.startsWith('_'));
}

const PAGES = Object.fromEntries(KINDS.map((kind) => [kind, optionsOfPage(kind)])) as Record<
  Kind,
  FormOption[]
>;
const CASES = KINDS.flatMap((kind) =>
  Object.entries(SCHEMA.$defs[kind].properties).map(([name, facts]) => ({
    kind,
    name,
    facts,
    required: SCHEMA.$defs[kind].required?.includes(name) ?? false,
    option: PAGES[kind].find(({ option }) => option === name),
  })),
);

describe('options.json', () => {
  it('is what `npm run i18n` makes of the schema', async () => {
    expect(readFileSync(OPTIONS_FILE, 'utf8')).toBe(await optionsText());
  });
});

describe.each(KINDS)('the page of %s', (kind) => {
  it('has every option of the schema once, and no other', () => {
    expect(PAGES[kind].map(({ option }) => option).sort()).toEqual(
      Object.keys(SCHEMA.$defs[kind].properties).sort(),
    );
  });
});

describe.each(CASES)('$kind.$name', ({ name, facts, required, option }) => {
  const pattern = facts.pattern ?? facts.items?.pattern;

  it('has the title of the schema, and says what it is', () => {
    expect(option?.title).toBe(facts.title);
    expect(option?.description).not.toBe('');
  });

  it('has a widget for its type', () => {
    const fitting = {
      boolean: ['Flag'],
      integer: ['Value'],
      array: ['DynamicList', ...PICKERS],
      string: [facts.enum ? 'ListValue' : 'Value', 'ListValue', ...PICKERS],
    };

    expect(fitting[facts.type]).toContain(option?.widget);
  });

  it('may be empty only where the schema lets it', () => {
    expect([option?.rmempty, option?.optional]).toEqual([!required, !required]);
  });

  it('has the values of the schema', () => {
    if (facts.enum) {
      expect([...(option?.choices.keys() ?? [])]).toEqual(facts.enum);
    }
    expect(option?.datatype).toBe(
      facts.type === 'integer' ? `range(${facts.minimum},${facts.maximum})` : undefined,
    );
  });

  // A default that is filled in would be saved as a choice, and a standby name would no more take what it lacks.
  it('shows the default, and fills in none but that of a switch', () => {
    const standard = facts.default;
    if (facts.type === 'boolean') {
      expect(option?.default).toBe(standard === true ? '1' : '0');
      return;
    }
    expect(option?.default).toBeUndefined();
    if (Array.isArray(standard) && standard.length > 0) {
      expect(option?.description).toContain(standard.join(', '));
    } else if (standard !== undefined && !Array.isArray(standard)) {
      expect(option?.placeholder).toMatch(facts.enum ? /^Default \(.+\)$/ : new RegExp(`^${standard}$`));
    }
  });

  it('hides what is secret', () => {
    expect(option?.password ?? false).toBe(facts['x-secret'] === true && facts.type !== 'array');
  });

  it('takes what the pattern takes and refuses the rest, in words', () => {
    const samples = [
      'home',
      'a b',
      '::abcd',
      'https://example.org/x',
      '/etc/x',
      'admin@example.org',
      'x'.repeat(2000),
      '\u0001',
    ];
    const verdicts = samples.map((value) =>
      option?.validate('other', facts.type === 'array' ? [value] : value),
    );

    samples.forEach((value, index) => {
      const taken = pattern === undefined || new RegExp(pattern, 'u').test(value);
      // The suffix is judged as an address too, as the agent does when it reads the section.
      if (name !== 'ipv6_suffix' || !taken) {
        expect(verdicts[index] === true, `${JSON.stringify(value.slice(0, 30))}: ${verdicts[index]}`).toBe(
          taken,
        );
      }
      expect(verdicts[index] === true || String(verdicts[index]).length > 5).toBe(true);
    });
    expect(option?.validate('other', '')).toBe(true);
  });
});

describe('what only a form can know', () => {
  it('a name does not stand by for itself', () => {
    const standby = PAGES.hostname.find(({ option }) => option === 'standby');

    expect(standby?.validate('home', ['home'])).not.toBe(true);
    expect(standby?.validate('duck', ['home'])).toBe(true);
  });

  it.each([
    ['ipv6_suffix', 2],
    ['echo_url', 1],
    ['stun_server', 1],
    ['script', 1],
    ['script_arg', 1],
    ['network', 1],
    ['device', 1],
    ['allow_private', 0],
  ])('%s of a hostname shows under %d conditions', (name, count) => {
    expect(PAGES.hostname.find(({ option }) => option === name)?.deps).toHaveLength(count);
  });

  const TOKEN = { id: 'token.example', fields: { password: { title: 'Token', required: true } } };
  const OTHER = { id: 'other.example', fields: { server: { title: 'Server' } } };

  it('fields of an account show for the providers that have them, the rest for all', () => {
    const shownFor = (chosen: string) =>
      optionsOfPage('account', { chosen, saved: '' }, [TOKEN, OTHER])
        .filter((option) => option.checkDepends('noip'))
        .map(({ option }) => option);

    expect(shownFor('token.example')).toEqual(['provider', 'password', 'password_file', 'ca_file']);
    expect(shownFor('not in the catalogue').sort()).toEqual(
      Object.keys(SCHEMA.$defs.account.properties).sort(),
    );
  });

  it.each([
    { what: 'stays while the provider does', saved: 'token.example', kept: true },
    { what: 'goes with its provider', saved: 'other.example', kept: false },
  ])('a field set by hand that the form does not show $what', ({ saved, kept }) => {
    const server = optionsOfPage('account', { chosen: 'token.example', saved }, [TOKEN, OTHER]).find(
      ({ option }) => option === 'server',
    );

    expect(server?.checkDepends('noip')).toBe(false);
    expect(server?.parse('noip')).toEqual({ retain: kept });
  });
});
