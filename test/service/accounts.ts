/** Who may update what: accounts, DDNS keys bound to hosts, groups with a login of their own. */

export interface AccountOptions {
  username: string;
  password: string;
  hosts: readonly string[];
  /** Generated logins, each bound to some hosts; the name of a group stands for its hosts. */
  keys?: readonly { username: string; password: string; hosts: readonly string[] }[];
  /** Named sets of hosts; the login is `group:username`, with the account's password unless it has its own. */
  groups?: Readonly<Record<string, { hosts: readonly string[]; password?: string }>>;
}

export const demoAccount = {
  username: 'demo',
  password: 'demo-password',
  hosts: ['home.ddns.example', 'office.ddns.example', 'nas.hopto.example'],
} satisfies AccountOptions;

/** In place of a hostname: every host of the key. */
export const everyHostOfKey = 'all.ddnskey.com';

export interface Login {
  name: string;
  kind: 'account' | 'key' | 'group';
  /** Hosts that this login may update. */
  hosts: ReadonlySet<string>;
  /** Groups that may stand in `hostname=`. */
  groups: ReadonlyMap<string, readonly string[]>;
}

/** What was found in an `Authorization` header. `username` is safe to show: no part of the password. */
export type Identified = { login: Login; username: string } | { login: undefined; username?: string };

export interface Accounts {
  identify(authorization: string | undefined): Identified;
  hosts(): readonly string[];
  /** A host that is gone (deleted, expired) is no longer in any account. */
  setGone(host: string, reason: 'deleted' | 'expired' | undefined): void;
  goneReason(host: string): 'deleted' | 'expired' | undefined;
}

export function createAccounts(accounts: readonly AccountOptions[]): Accounts {
  const logins = new Map<string, { login: Login; password: string }>();
  const gone = new Map<string, 'deleted' | 'expired'>();
  const hosts = new Set<string>();

  for (const account of accounts) {
    const groups = new Map(
      Object.entries(account.groups ?? {}).map(([name, group]) => [name, group.hosts.map(lower)]),
    );
    const all = new Set([...account.hosts.map(lower), ...[...groups.values()].flat()]);
    for (const host of all) hosts.add(host);
    add(account.username, account.password, 'account', all, groups);
    for (const key of account.keys ?? []) {
      const bound = new Set(key.hosts.flatMap((host) => groups.get(host) ?? [lower(host)]));
      for (const host of bound) hosts.add(host);
      const within = [...groups].filter(([, members]) => members.every((member) => bound.has(member)));
      add(key.username, key.password, 'key', bound, new Map(within));
    }
    for (const [name, members] of groups) {
      const password = account.groups?.[name]?.password ?? account.password;
      add(`${name}:${account.username}`, password, 'group', new Set(members), new Map([[name, members]]));
    }
  }

  function add(
    name: string,
    password: string,
    kind: Login['kind'],
    bound: ReadonlySet<string>,
    groups: ReadonlyMap<string, readonly string[]>,
  ): void {
    if (logins.has(name)) throw new Error(`Two logins of the test world are called ${name}`);
    logins.set(name, { password, login: { name, kind, hosts: bound, groups } });
  }

  /**
   * A user-id has no colon by RFC 7617, but a group login has one and a password may have some: every
   * colon is tried as the border, the last one first.
   */
  function identify(authorization: string | undefined): Identified {
    const text = basicText(authorization);
    if (text === undefined) return { login: undefined };
    let known: string | undefined;
    for (let colon = text.lastIndexOf(':'); colon > 0; colon = text.lastIndexOf(':', colon - 1)) {
      const username = text.slice(0, colon);
      const entry = logins.get(username);
      if (entry?.password === text.slice(colon + 1)) return { login: entry.login, username };
      if (entry) known ??= username;
    }
    return { login: undefined, username: known ?? text.split(':', 1)[0] };
  }

  return {
    identify,
    hosts: () => [...hosts],
    setGone(host, reason) {
      if (!hosts.has(host)) throw new Error(`No account of the test world has the host ${host}`);
      if (reason) gone.set(host, reason);
      else gone.delete(host);
    },
    goneReason: (host) => gone.get(host),
  };
}

/** `user:password` of a Basic header, undefined when there is none. */
function basicText(authorization: string | undefined): string | undefined {
  const [scheme, token] = (authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'basic' || !token) return undefined;
  const text = Buffer.from(token, 'base64').toString('utf8');
  return text.includes(':') ? text : undefined;
}

function lower(text: string): string {
  return text.toLowerCase();
}
