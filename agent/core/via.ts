/** The uplink an update must leave through. */
import { type Family, parseAddress, scopeOf } from './address.ts';
import type { WanInterface, WanSnapshot } from './wan.ts';

/** Local addresses of a device, one of each family. */
export interface Uplink {
  device: string;
  ipv4?: string;
  ipv6?: string;
}

/**
 * Binds to `device` where there is a choice, that is, where another device has a default route too. With a
 * single way out the kernel's routing is left alone: IPv4 of a DS-Lite line, for one, leaves by a tunnel.
 */
export function uplinkOf(snapshots: readonly WanSnapshot[], device: string): Uplink | undefined {
  const interfaces = snapshots.flatMap((snapshot) => Object.values(snapshot)).filter((one) => one.up);
  if (!interfaces.some((one) => one.device !== device && one.defaultRoute.length > 0)) {
    return undefined;
  }
  const own = interfaces.filter((one) => one.device === device);
  const ipv4 = localAddress(own, 'ipv4');
  const ipv6 = localAddress(own, 'ipv6');
  return { device, ...(ipv4 !== undefined && { ipv4 }), ...(ipv6 !== undefined && { ipv6 }) };
}

/** The address to bind to; a lasting one if there is one, for the outside then sees what can be published. */
export function localAddress(own: readonly WanInterface[], family: Family): string | undefined {
  const usable = own
    .flatMap((one) => one.local ?? one.addresses)
    .filter((one) => one.preferredSec !== 0 && !one.tentative)
    .flatMap(({ address, temporary }) => {
      const parsed = parseAddress(address);
      const fits = parsed?.family === family && scopeOf(parsed.canonical) !== 'link-local';
      return fits ? [{ address: parsed.canonical, temporary }] : [];
    });
  const lasting = usable.filter(({ temporary }) => !temporary);
  return (lasting.find(({ address }) => scopeOf(address) === 'public') ?? lasting[0] ?? usable[0])?.address;
}
