/** What the emulated router's netifd and kernel say, to the agent (by the `ubus` command) and to LuCI. */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type InterfaceStatus, netifdFixture } from '../../fakes/netifd-feed.ts';

const STANDIN = fileURLToPath(new URL('../../demo/ubus-standin.mjs', import.meta.url));
const RECORDED = '12-v4-in-place-notify_proto';
const RECORDED_ADDRESS = '198.51.100.20';

export interface Network {
  /** Environment of every process on this router. */
  env: NodeJS.ProcessEnv;
  /** What `network.interface dump` answers. */
  dump(): { interface: InterfaceStatus[] };
  /** What `luci-rpc getNetworkDevices` answers. */
  devices(): Record<string, unknown>;
  /** Events that programs have sent on ubus: name and JSON. */
  sent(): string[];
  /** The WAN has this address from now on, and says so. */
  moveTo(address: string): void;
  ifdown(): void;
  /** Other words for names and texts that come from outside, for hostile ones. */
  rewrite(change: (status: InterfaceStatus) => InterfaceStatus): void;
}

export function createNetwork(root: string, firstAddress: string): Network {
  const folder = join(root, 'ubus');
  const bin = join(root, 'bin');
  let interfaces: InterfaceStatus[] = [];
  let change = (status: InterfaceStatus) => status;
  for (const path of [folder, bin]) {
    mkdirSync(path);
  }
  const send = `[ "$1" = send ] && { printf '%s %s\\n' "$2" "$3" >>'${join(folder, 'sent.log')}'; exit 0; }`;
  writeFileSync(join(bin, 'ubus'), `#!/bin/sh\n${send}\nexec '${process.execPath}' '${STANDIN}' "$@"\n`);
  chmodSync(join(bin, 'ubus'), 0o755);
  writeFileSync(join(folder, 'events.log'), '');

  function become(next: InterfaceStatus[], event: 'update' | 'down'): void {
    interfaces = next;
    const path = join(folder, 'dump.json');
    writeFileSync(`${path}.new`, JSON.stringify({ interface: interfaces }));
    renameSync(`${path}.new`, path);
    const notified = interfaces.find((one) => one.interface === 'wan');
    const line = JSON.stringify({ [`interface.${event}`]: notified });
    appendFileSync(join(folder, 'events.log'), `subscribe ${line}\n`);
  }

  function moveTo(address: string): void {
    const before = withoutIpv6(netifdFixture(RECORDED).dumpBefore.interface);
    become(JSON.parse(JSON.stringify(before).replaceAll(RECORDED_ADDRESS, address)), 'update');
  }

  moveTo(firstAddress);
  return {
    env: { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}`, HOLDFAST_UBUS_DIR: folder },
    dump: () => ({ interface: interfaces.map((one) => change(one)) }),
    devices: () =>
      Object.fromEntries(
        ['br-lan', 'eth0', 'eth1', 'lo'].map((name, index) => [name, deviceOf(name, index, interfaces)]),
      ),
    sent() {
      const path = join(folder, 'sent.log');
      return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
    },
    moveTo,
    ifdown: () => become(withoutIpv6(netifdFixture('02-ifup-wan').dumpBefore.interface), 'down'),
    rewrite(next) {
      change = next;
    },
  };
}

/** With a second way out the agent would bind its requests to the first, which this machine does not have. */
function withoutIpv6(interfaces: readonly InterfaceStatus[]): InterfaceStatus[] {
  return interfaces.filter((one) => one.interface !== 'wan6');
}

function deviceOf(name: string, index: number, interfaces: readonly InterfaceStatus[]): unknown {
  const above = interfaces.filter((one) => one.l3_device === name);
  const addresses = above.flatMap((one) => {
    const list = one['ipv4-address'];
    return Array.isArray(list) ? list : [];
  });
  return {
    name,
    wireless: false,
    up: true,
    mtu: name === 'lo' ? 65_536 : 1500,
    qlen: 1000,
    devtype: name === 'br-lan' ? 'bridge' : 'ethernet',
    ...(name === 'br-lan' && { bridge: true, ports: ['eth0'], id: '7fff.000000000000', stp: false }),
    ...(name === 'eth0' && { master: 'br-lan' }),
    ipaddrs: addresses.map(({ address }) => ({ address, netmask: '255.255.255.0' })),
    ip6addrs: [],
    mac: `02:00:00:00:00:0${index}`,
    type: name === 'lo' ? 772 : 1,
    ifindex: index + 1,
    stats: { rx_bytes: 0, tx_bytes: 0, rx_packets: 0, tx_packets: 0 },
    flags: { up: true, loopback: name === 'lo', broadcast: name !== 'lo', multicast: true },
    link: { carrier: true, changes: 0, up_count: 0, down_count: 0 },
  };
}
