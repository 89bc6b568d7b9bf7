/** LuCI's tree of pages, from the files of menu.d, for a session with certain rights. */

export interface MenuNode {
  title?: string;
  order?: number;
  action?: { type: string; path?: string };
  depends?: { acl?: string[]; uci?: unknown; fs?: unknown };
  satisfied: boolean;
  readonly?: boolean;
  css?: string;
  firstchild_ineligible?: boolean;
  children?: Record<string, MenuNode>;
}

/** What a page depends on besides rights. */
export interface MenuFacts {
  /** Levels of a group that the session has: read, write, both or none. */
  levels(group: string): readonly string[];
  /** Has this configuration any section? */
  hasConfig(config: string): boolean;
  hasFile(path: string): boolean;
}

const KEPT = ['title', 'order', 'action', 'depends', 'css', 'firstchild_ineligible'];

export function menuTree(files: readonly Record<string, unknown>[], facts: MenuFacts): MenuNode {
  const root: MenuNode = { satisfied: true, action: { type: 'firstchild' } };
  for (const [path, spec] of files.flatMap((file) => Object.entries(file))) {
    if (path.includes('*') || typeof spec !== 'object' || spec === null) {
      continue;
    }
    let node = root;
    for (const name of path.split('/')) {
      node.children ??= {};
      node.children[name] ??= { satisfied: true };
      node = node.children[name] ?? node;
    }
    Object.assign(node, Object.fromEntries(Object.entries(spec).filter(([key]) => KEPT.includes(key))));
    judge(node, facts);
  }
  return root;
}

function judge(node: MenuNode, { levels, hasConfig, hasFile }: MenuFacts): void {
  const groups = (node.depends?.acl ?? []).map(levels);
  const configs = alternatives(node.depends?.uci).some((one) =>
    Object.entries(one).every(([config, needed]) => needed !== true || hasConfig(config)),
  );
  const files = alternatives(node.depends?.fs).some((one) =>
    Object.entries(one).every(([path, kind]) => hasFile(path) === (kind !== 'absent')),
  );
  node.satisfied = groups.every((group) => group.length > 0) && configs && files;
  if (groups.length > 0 && !groups.some((group) => group.includes('write'))) {
    node.readonly = true;
  }
}

function alternatives(spec: unknown): Record<string, unknown>[] {
  if (typeof spec !== 'object' || spec === null) {
    return [{}];
  }
  return Array.isArray(spec) ? spec : [spec as Record<string, unknown>];
}

export interface FoundPage {
  path: string[];
  node: MenuNode;
  /** Groups of rights that the nodes on the way ask for. */
  groups: string[];
}

/** The page that an address leads to, past nodes that only lead to their first child. */
export function findPage(root: MenuNode, path: readonly string[]): FoundPage | undefined {
  const found: string[] = [];
  const groups: string[] = [];
  let node = root;

  function enter(name: string): boolean {
    const next = node.children?.[name];
    if (next === undefined || !next.satisfied) {
      return false;
    }
    found.push(name);
    groups.push(...(next.depends?.acl ?? []));
    node = next;
    return true;
  }

  if (!path.every(enter)) {
    return undefined;
  }
  while (node.action?.type === 'firstchild') {
    const [first] = Object.entries(node.children ?? {})
      .filter(
        ([, { satisfied, title, firstchild_ineligible }]) => satisfied && title && !firstchild_ineligible,
      )
      .sort(([, a], [, b]) => (a.order ?? 1000) - (b.order ?? 1000));
    if (first === undefined || !enter(first[0])) {
      return undefined;
    }
  }
  return node.action?.type === 'alias'
    ? findPage(root, (node.action.path ?? '').split('/'))
    : { path: found, node, groups };
}
