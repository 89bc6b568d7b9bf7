/**
 * Sessions of rpcd and what they may do: the rights come from the ACL files, as `acl.d/*.json` has them. A
 * login is granted the `read` or the `write` part of a group, or both.
 */
import { randomBytes } from 'node:crypto';

/** In a list of names the right is the part it stands in ("read", "write"). */
type Scope = Readonly<Record<string, readonly string[]>> | readonly string[];
type Level = 'read' | 'write';

/** One file of acl.d: groups with what they allow. */
export type AclFile = Readonly<
  Record<string, { description?: string } & Partial<Record<Level, Readonly<Record<string, Scope>>>>>
>;

export interface Login {
  password: string;
  /** Patterns of group names, as in `/etc/config/rpcd`. */
  read: readonly string[];
  write: readonly string[];
}

export interface Session {
  id: string;
  username?: string;
  /** LuCI asks for it with every request that changes something. */
  token: string;
  timeoutSec: number;
  grants: Map<string, Map<string, Set<string>>>;
}

export interface Sessions {
  /** Undefined: no such login, or another password. */
  login(username: string, password: string, timeoutSec?: number): Session | undefined;
  find(id: string): Session | undefined;
  /** Of an unknown session nothing is allowed. */
  allows(id: string, scope: string, object: string, name: string): boolean;
  destroy(id: string): boolean;
}

/** The session of those who have not logged in. */
export const NOBODY = '0'.repeat(32);
const DEFAULT_TIMEOUT_SEC = 300;
const UNAUTHENTICATED = 'unauthenticated';
/** rpcd's own file: whoever has logged in may read this group as well. */
const RPCD_ACL: AclFile = { [UNAUTHENTICATED]: { read: { ubus: { session: ['access', 'login'] } } } };

export function createSessions(
  logins: Readonly<Record<string, Login>>,
  acls: () => readonly AclFile[],
): Sessions {
  const sessions = new Map<string, Session>();
  add({ id: NOBODY, timeoutSec: 0 }, { read: [UNAUTHENTICATED], write: [] });

  function add(who: Pick<Session, 'id' | 'timeoutSec' | 'username'>, rights: Pick<Login, Level>): Session {
    const session: Session = { ...who, token: randomBytes(16).toString('hex'), grants: new Map() };
    for (const file of [RPCD_ACL, ...acls()]) {
      for (const [group, parts] of Object.entries(file)) {
        for (const level of ['read', 'write'] as const) {
          const part = parts[level];
          // Who may write may read as well.
          const wanted = level === 'read' ? [...rights.read, ...rights.write] : rights.write;
          if (part !== undefined && wanted.some((pattern) => matches(pattern, group))) {
            grantPart(session, group, level, part);
          }
        }
      }
    }
    sessions.set(session.id, session);
    return session;
  }

  function grantPart(
    session: Session,
    group: string,
    level: Level,
    part: Readonly<Record<string, Scope>>,
  ): void {
    grant(session, 'access-group', group, level);
    for (const [scope, objects] of Object.entries(part)) {
      const pairs = isNames(objects)
        ? objects.map((object) => [object, [level]] as const)
        : Object.entries(objects);
      for (const [object, names] of pairs) {
        for (const name of names) {
          grant(session, scope, object, name);
        }
      }
    }
  }

  return {
    login(username, password, timeoutSec = DEFAULT_TIMEOUT_SEC) {
      const known = Object.hasOwn(logins, username) ? logins[username] : undefined;
      return known?.password === password
        ? add({ id: randomBytes(16).toString('hex'), timeoutSec, username }, known)
        : undefined;
    },
    find: (id) => sessions.get(id),
    allows(id, scope, object, name) {
      const objects = sessions.get(id)?.grants.get(scope) ?? new Map<string, Set<string>>();
      return [...objects].some(
        ([pattern, names]) =>
          matches(pattern, object) && [...names].some((namePattern) => matches(namePattern, name)),
      );
    },
    destroy: (id) => id !== NOBODY && sessions.delete(id),
  };
}

/** What `session login` and `session list` answer. */
export function sessionReply(session: Session): Record<string, unknown> {
  return {
    ubus_rpc_session: session.id,
    timeout: session.timeoutSec,
    expires: session.timeoutSec,
    acls: aclsOf(session),
    data: session.username === undefined ? {} : { username: session.username },
  };
}

export function aclsOf(session: Session): Record<string, Record<string, string[]>> {
  return Object.fromEntries(
    [...session.grants].map(([scope, objects]) => [
      scope,
      Object.fromEntries([...objects].map(([object, names]) => [object, [...names]])),
    ]),
  );
}

function grant({ grants }: Session, scope: string, object: string, name: string): void {
  const objects = grants.get(scope) ?? new Map<string, Set<string>>();
  const names = objects.get(object) ?? new Set<string>();
  grants.set(scope, objects.set(object, names.add(name)));
}

function isNames(scope: Scope): scope is readonly string[] {
  return Array.isArray(scope);
}

/** A shell pattern with `*` and `?`. */
function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  return new RegExp(`^${source}$`).test(text);
}
