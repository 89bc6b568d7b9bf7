/** Reads the whole configuration. A mistake costs its own section at most, and always has a message. */
import { parseUci, type UciSection, type UciSectionKey } from '../openwrt/uci.ts';
import type { Catalogue } from '../providers/definition.ts';
import { readAccount } from './account.ts';
import { readAgent } from './agent.ts';
import { readAlias } from './alias.ts';
import type { AccountConfig, AliasConfig, Config, HostnameConfig, Problem } from './config.ts';
import { readHostname, type Surroundings } from './hostname.ts';
import { type Complain, complainAbout, ownLinesOf, sectionLabel } from './section.ts';
import { checkedStandbys, withInheritance } from './standby.ts';
import { closest } from './suggest.ts';
import { sectionFacts } from './validate.generated.js';

export interface LoadedConfig {
  config: Config;
  /** In the order of the file's lines. */
  problems: Problem[];
}

/**
 * Turns the text of `/etc/config/holdfast` into settings; never throws. `file` is repeated in the problems.
 * `readSecret` gives the text of a password file, or undefined when it cannot be read.
 */
export function loadConfig(
  text: string,
  file: string,
  catalogue: Catalogue,
  readSecret: (path: string) => string | undefined,
): LoadedConfig {
  const parsed = parseUci(text, file);
  const problems: Problem[] = parsed.problems.map(({ section, ...problem }) => ({
    ...problem,
    severity: 'error',
    ...(section === undefined ? {} : { section: sectionLabel(section) }),
    code: 'config/SYNTAX',
  }));
  // Without the line that could not be read, a section might mean something else: it is left out.
  const damaged = new Set(parsed.problems.flatMap(({ section }) => (section ? [keyOf(section)] : [])));
  const ofType = (type: string) => parsed.sections.filter((section) => section.type === type);
  const isWhole = (section: UciSection) => !damaged.has(keyOf(section));
  const ownLines = ownLinesOf(text);
  const complain = (section: UciSection) => complainAbout(section, file, ownLines, problems);

  const [agentSection, ...moreAgents] = ofType('agent');
  const agent = readAgent(agentSection, agentSection === undefined ? () => {} : complain(agentSection));

  const accounts = new Map<string, AccountConfig>();
  for (const section of ofType('account').filter(isWhole)) {
    const account = readAccount(section, complain(section), catalogue, agent.contact, readSecret);
    if (account !== undefined) {
      accounts.set(account.id, account);
    }
  }

  const hostnameSections = withInheritance(ofType('hostname'), accounts);
  const surroundings: Surroundings = {
    accounts,
    accountSections: namesOf(ofType('account')),
    hostnameSections: namesOf(hostnameSections),
  };
  const read: HostnameConfig[] = [];
  const complaints = new Map<HostnameConfig, Complain>();
  for (const section of hostnameSections.filter(isWhole)) {
    const hostname = readHostname(section, complain(section), surroundings, read);
    if (hostname !== undefined) {
      read.push(hostname);
      complaints.set(hostname, complain(section));
    }
  }
  const hostnames = read.map((host) => ({
    ...host,
    standby: checkedStandbys(host, read, accounts, complaints.get(host) ?? (() => {})),
  }));
  const aliases: AliasConfig[] = [];
  for (const section of ofType('alias').filter(isWhole)) {
    const around = { ...surroundings, agent, catalogue, hostnames };
    const alias = readAlias(section, complain(section), around, aliases);
    if (alias !== undefined) {
      aliases.push(alias);
    }
  }

  for (const section of moreAgents) {
    complain(section)({
      severity: 'warning',
      code: 'config/SECOND_AGENT',
      sentence: `Only the first agent section counts; move the options of this one to ${agentSection === undefined ? 'it' : `line ${agentSection.line}`}.`,
    });
  }
  for (const section of parsed.sections) {
    for (const { name, line, replaces } of section.options) {
      if (replaces !== undefined && line <= ownLines) {
        complain(section)({
          severity: 'warning',
          option: name,
          code: 'config/REPEATED_OPTION',
          sentence: `Option '${name}' stands in line ${replaces} too, and only this one counts; remove one of them.`,
        });
      }
    }
  }
  const types = Object.keys(sectionFacts);
  for (const section of parsed.sections.filter(({ type }) => !types.includes(type))) {
    const guess = closest(section.type, types);
    complain(section)({
      severity: 'warning',
      code: 'config/UNKNOWN_SECTION',
      sentence: `A section of type '${section.type.slice(0, 64)}' is not known; ${guess === undefined ? `known are: ${types.join(', ')}.` : `did you mean '${guess}'?`}`,
    });
  }
  if (hostnameSections.length === 0) {
    problems.push({
      severity: 'warning',
      file,
      line: 1,
      code: 'config/NO_HOSTNAME',
      sentence: 'There is no hostname section, so nothing is kept up to date.',
    });
  }
  problems.sort((a, b) => a.line - b.line);
  return { config: { agent, accounts, hostnames, aliases }, problems };
}

/** The named sections, with what to call them in a message. */
function namesOf(sections: readonly UciSection[]): ReadonlyMap<string, string> {
  return new Map(
    sections.flatMap((section) =>
      section.name === undefined
        ? []
        : [[section.name, `${sectionLabel(section)} in line ${section.line}`] as const],
    ),
  );
}

function keyOf({ type, index }: UciSectionKey): string {
  return `${type} ${index}`;
}
