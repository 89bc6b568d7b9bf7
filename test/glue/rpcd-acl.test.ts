/** Who may call what of the ubus object: LuCI asks for reading and for writing separately. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const FILES = new URL('../../firmware-glue/holdfast/files/', import.meta.url);
const plugin = readFileSync(new URL('holdfast.uc', FILES), 'utf8');
const acl: Record<string, Record<'read' | 'write', { ubus: Record<string, string[]> }>> = JSON.parse(
  readFileSync(new URL('holdfast.rpcd-acl.json', FILES), 'utf8'),
);

/** The methods of the object, as the plugin returns them: one tab deeper than the object's name. */
const methods = [...plugin.matchAll(/^\t\t'?(\w+)'?: \{$/gm)].map((match) => match[1] ?? '').sort();

describe('the ACL of rpcd', () => {
  it('names every method of the plugin once, and nothing else', () => {
    const { read, write } = acl.holdfast ?? { read: { ubus: {} }, write: { ubus: {} } };

    expect(methods).toEqual([
      ...['check', 'check_config', 'events', 'import', 'providers', 'service'],
      ...['status', 'test', 'test_steps', 'trace', 'update'],
    ]);
    expect([...(read.ubus.holdfast ?? []), ...(write.ubus.holdfast ?? [])].sort()).toEqual(methods);
  });

  it('lets nobody who may only read send, change, start or import anything', () => {
    expect(acl.holdfast?.read.ubus.holdfast).toEqual(['check_config', 'events', 'providers', 'status']);
  });

  it('has one group with exactly these rights', () => {
    expect(Object.keys(acl)).toEqual(['holdfast']);
    expect(Object.keys(acl.holdfast ?? {})).toEqual(['description', 'read', 'write']);
    expect([acl.holdfast?.read, acl.holdfast?.write].map((one) => Object.keys(one ?? {}))).toEqual([
      ['ubus'],
      ['ubus'],
    ]);
  });
});
