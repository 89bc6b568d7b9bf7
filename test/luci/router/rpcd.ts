/** JSON-RPC as uhttpd speaks it at `/ubus`: one request or a list of them. */
import type { Sessions } from './sessions.ts';
import { STATUS, type UbusObject } from './ubus.ts';

export interface RpcCall {
  atMs: number;
  session: string;
  object: string;
  method: string;
  args: Readonly<Record<string, unknown>>;
  /** Ubus status, or the (negative) code of the JSON-RPC error. */
  outcome: number;
  /** What was answered, undefined while it is not. */
  reply?: unknown;
  /** Number of the HTTP request it came with. */
  request: number;
}

export interface Rpcd {
  /** Answers the body of a POST. */
  answer(body: string): Promise<unknown>;
  calls(): readonly RpcCall[];
}

const ERRORS = {
  [-32700]: 'Parse error',
  [-32600]: 'Invalid request',
  [-32601]: 'Method not found',
  [-32602]: 'Invalid parameters',
  [-32000]: 'Object not found',
  [-32002]: 'Access denied',
} as const;
type ErrorCode = keyof typeof ERRORS;

export function createRpcd(
  sessions: Pick<Sessions, 'allows'>,
  objects: () => Readonly<Record<string, UbusObject>>,
): Rpcd {
  const calls: RpcCall[] = [];
  let requests = 0;

  async function answerOne(message: unknown, request: number): Promise<unknown> {
    if (!isRecord(message) || message.jsonrpc !== '2.0' || typeof message.method !== 'string') {
      return failed(null, -32600);
    }
    const { id = null, method, params } = message;
    if (method === 'list') {
      return { jsonrpc: '2.0', id, result: listed(params) };
    }
    if (method !== 'call') {
      return failed(id, -32601);
    }
    const [session, object, name, args = {}] = Array.isArray(params) ? params : [];
    if (![session, object, name].every((word) => typeof word === 'string') || !isRecord(args)) {
      return failed(id, -32602);
    }
    const call: RpcCall = { atMs: Date.now(), session, object, method: name, args, outcome: 0, request };
    calls.push(call);
    const known = objects();
    if (!Object.hasOwn(known, object)) {
      call.outcome = -32000;
    } else if ('ubus_rpc_session' in args) {
      call.outcome = -32602;
    } else if (!sessions.allows(session, 'ubus', object, name)) {
      call.outcome = -32002;
    }
    if (isErrorCode(call.outcome)) {
      return failed(id, call.outcome);
    }
    const reply = (await known[object]?.(name, args, session)) ?? { status: STATUS.methodNotFound };
    call.outcome = reply.status;
    call.reply = reply.data;
    const result = reply.data === undefined ? [reply.status] : [reply.status, reply.data];
    return { jsonrpc: '2.0', id, result };
  }

  function listed(params: unknown): unknown {
    const names = Object.keys(objects()).sort();
    return Array.isArray(params) && params.length > 0
      ? Object.fromEntries(names.filter((name) => params.includes(name)).map((name) => [name, {}]))
      : names;
  }

  return {
    async answer(body) {
      requests += 1;
      const request = requests;
      let message: unknown;
      try {
        message = JSON.parse(body);
      } catch {
        return failed(null, -32700);
      }
      if (!Array.isArray(message)) {
        return answerOne(message, request);
      }
      const replies: unknown[] = [];
      // One after the other, as uhttpd does.
      for (const one of message) {
        replies.push(await answerOne(one, request));
      }
      return replies;
    },
    calls: () => calls,
  };
}

function failed(id: unknown, code: ErrorCode): unknown {
  return { jsonrpc: '2.0', id, error: { code, message: ERRORS[code] } };
}

function isErrorCode(code: number): code is ErrorCode {
  return code in ERRORS;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
