/** The name of a record within its zone, for services that want both parts. */
import type { UpdateCall } from './protocol.ts';

export interface RecordNames {
  /** `home` of `home.example.org` in the zone `example.org`; `@` for the zone itself. */
  name?: string;
  /** The same, but absent for the zone itself. */
  subname?: string;
}

/** Empty where the account names no zone; undefined where a hostname is not in it. */
export function recordNames({ options, hostnames }: UpdateCall): RecordNames | undefined {
  const zone = options.zone?.toLowerCase().replace(/\.$/, '');
  if (zone === undefined) {
    return {};
  }
  const [hostname = ''] = hostnames;
  if (hostname === zone) {
    return { name: '@' };
  }
  if (!hostnames.every((one) => one.endsWith(`.${zone}`))) {
    return undefined;
  }
  const subname = hostname.slice(0, -zone.length - 1);
  return { name: subname, subname };
}
