/** The ubus objects beside `uci` and `holdfast` that LuCI's own scripts ask, with recorded answers. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import recorded from '../../fixtures/rpc/router.json' with { type: 'json' };
import type { Network } from './network.ts';
import type { AgentService } from './service.ts';
import { aclsOf, NOBODY, type Sessions, sessionReply } from './sessions.ts';
import { STATUS, type UbusObject, type UbusReply } from './ubus.ts';

export interface ObjectParts {
  root: string;
  sessions: Sessions;
  network: Pick<Network, 'dump' | 'devices'>;
  service: Pick<AgentService, 'act' | 'list' | 'enabled' | 'running'>;
}

const START = 95;
const STOP = 10;

export function createObjects({ root, sessions, network, service }: ObjectParts): Record<string, UbusObject> {
  const tables: Record<string, Record<string, () => unknown>> = {
    system: {
      board: () => recorded.board,
      info: () => ({
        localtime: Math.floor(Date.now() / 1000),
        uptime: Math.floor(process.uptime()),
        load: [0, 0, 0],
        memory: { total: 268_435_456, free: 134_217_728, available: 134_217_728, shared: 0, buffered: 0 },
      }),
    },
    'network.interface': { dump: network.dump },
    'network.device': { status: network.devices },
    network: { get_proto_handlers: () => recorded.protocols },
    'luci-rpc': {
      getNetworkDevices: network.devices,
      getWirelessDevices: () => ({}),
      getHostHints: () => ({}),
      getBoardJSON: () => recorded.boardJson,
    },
    service: { list: service.list },
  };
  const objects: Record<string, UbusObject> = Object.fromEntries(
    Object.entries(tables).map(([name, methods]) => [
      name,
      (method) =>
        Object.hasOwn(methods, method) ? { status: STATUS.ok, data: methods[method]?.() } : undefined,
    ]),
  );
  return { ...objects, session, luci, rc, file };

  function session(
    method: string,
    args: Readonly<Record<string, unknown>>,
    caller: string,
  ): UbusReply | undefined {
    switch (method) {
      case 'login': {
        const { username, password, timeout } = args;
        if (typeof username !== 'string' || typeof password !== 'string') {
          return { status: STATUS.invalidArgument };
        }
        const made = sessions.login(username, password, typeof timeout === 'number' ? timeout : undefined);
        return made ? { status: STATUS.ok, data: sessionReply(made) } : { status: STATUS.permissionDenied };
      }
      case 'access': {
        const { scope = 'ubus', object, function: name } = args;
        const known = sessions.find(caller);
        if (known === undefined) {
          return { status: STATUS.notFound };
        }
        const data =
          typeof object === 'string' && typeof name === 'string'
            ? { access: sessions.allows(caller, String(scope), object, name) }
            : aclsOf(known);
        return { status: STATUS.ok, data };
      }
      case 'destroy':
        return { status: caller !== NOBODY && sessions.destroy(caller) ? STATUS.ok : STATUS.notFound };
      default:
        return undefined;
    }
  }

  async function luci(
    method: string,
    { name, action }: Readonly<Record<string, unknown>>,
  ): Promise<UbusReply | undefined> {
    switch (method) {
      case 'getFeatures':
        return { status: STATUS.ok, data: recorded.features };
      case 'getVersion':
        return { status: STATUS.ok, data: { revision: 'stand-in', branch: 'stand-in' } };
      case 'getInitList': {
        const known = name === undefined || name === 'holdfast';
        const entry = { index: START, stop: STOP, enabled: service.enabled() };
        return { status: STATUS.ok, data: known ? { holdfast: entry } : { error: 'No such init script' } };
      }
      case 'setInitAction': {
        const status = name === 'holdfast' ? await service.act(String(action)) : undefined;
        const data = status === undefined ? { error: 'No such init script' } : { result: status === 0 };
        return { status: STATUS.ok, data };
      }
      default:
        return undefined;
    }
  }

  async function rc(
    method: string,
    { name, action }: Readonly<Record<string, unknown>>,
  ): Promise<UbusReply | undefined> {
    if (method === 'list') {
      const entry = { start: START, stop: STOP, enabled: service.enabled(), running: service.running() };
      return { status: STATUS.ok, data: { holdfast: entry } };
    }
    if (method !== 'init') {
      return undefined;
    }
    const status = name === 'holdfast' ? await service.act(String(action)) : undefined;
    return { status: status === undefined ? STATUS.invalidArgument : STATUS.ok };
  }

  /** Files of the router; of programs none can be run from here. */
  function file(
    method: string,
    args: Readonly<Record<string, unknown>>,
    caller: string,
  ): UbusReply | undefined {
    if (!['list', 'stat', 'read', 'exec'].includes(method)) {
      return undefined;
    }
    const path = method === 'exec' ? args.command : args.path;
    if (typeof path !== 'string') {
      return { status: STATUS.invalidArgument };
    }
    if (method === 'exec' || path.includes('..') || !sessions.allows(caller, 'file', path, method)) {
      return { status: STATUS.permissionDenied };
    }
    const here = join(root, path);
    if (!existsSync(here)) {
      return { status: STATUS.notFound };
    }
    if (method === 'read') {
      return { status: STATUS.ok, data: { data: readFileSync(here, 'utf8') } };
    }
    const facts = (name: string) => {
      const found = statSync(join(here, name));
      const type = found.isDirectory() ? 'directory' : 'file';
      return {
        ...(name !== '' && { name }),
        type,
        size: found.size,
        mtime: Math.floor(found.mtimeMs / 1000),
      };
    };
    return method === 'stat'
      ? { status: STATUS.ok, data: { path, ...facts('') } }
      : { status: STATUS.ok, data: { entries: readdirSync(here).map(facts) } };
  }
}
