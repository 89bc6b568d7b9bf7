/** What a call on ubus ends with. */

/** Status codes of ubus that rpcd's methods use. */
export const STATUS = {
  ok: 0,
  invalidArgument: 2,
  methodNotFound: 3,
  notFound: 4,
  noData: 5,
  permissionDenied: 6,
  timeout: 7,
} as const;

export interface UbusReply {
  status: number;
  data?: unknown;
}

/** Answers a call; undefined: the object has no such method. */
export type UbusObject = (
  method: string,
  args: Readonly<Record<string, unknown>>,
  session: string,
) => UbusReply | undefined | Promise<UbusReply | undefined>;
