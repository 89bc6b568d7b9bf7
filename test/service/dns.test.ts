import { execFile, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { decode, encode } from 'dns-packet';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { callUpdate, lookUp } from './client.ts';
import { type Service, startService } from './service.ts';

const home = 'home.ddns.example';
const [first, second] = ['ns1.provider.example', 'ns2.provider.example'];
let service: Service;

beforeAll(async () => {
  service = await startService({ resolverTimeoutMs: 150 });
});
beforeEach(async () => {
  await service.levers.reset();
  service.levers.setRecord(home, 'A', '192.0.2.1');
});
afterAll(() => service.close());

describe('authoritative answers', () => {
  const soa = ['SOA ddns.example'];
  const servers = [`NS ${first}`, `NS ${second}`];
  const glue = ['A 127.0.53.11', 'A 127.0.53.12'];
  const cases: {
    name: string;
    ask: [server: string, name: string, type: string];
    expect: Partial<Record<'answers' | 'authorities' | 'additionals', string[]>> & {
      rcode?: string;
      aa?: boolean;
    };
  }[] = [
    { name: 'address', ask: [first, home, 'A'], expect: { answers: ['A 192.0.2.1'] } },
    { name: 'the other server', ask: [second, home, 'A'], expect: { answers: ['A 192.0.2.1'] } },
    { name: 'NODATA', ask: [first, home, 'AAAA'], expect: { authorities: soa } },
    {
      name: 'NXDOMAIN',
      ask: [first, 'none.ddns.example', 'A'],
      expect: { rcode: 'NXDOMAIN', authorities: soa },
    },
    { name: 'unknown type', ask: [first, home, 'MX'], expect: { authorities: soa } },
    { name: 'apex SOA', ask: [first, 'ddns.example', 'SOA'], expect: { answers: soa } },
    {
      name: 'apex NS with addresses',
      ask: [first, 'ddns.example', 'NS'],
      expect: { answers: servers, additionals: glue },
    },
    {
      name: 'referral for the zone',
      ask: ['a.nic.example', 'ddns.example', 'NS'],
      expect: { aa: false, authorities: servers, additionals: glue },
    },
    {
      name: 'referral for a name below',
      ask: ['b.nic.example', home, 'A'],
      expect: { aa: false, authorities: servers, additionals: glue },
    },
    {
      name: 'parent about itself',
      ask: ['a.nic.example', 'a.nic.example', 'A'],
      expect: { answers: ['A 127.0.53.1'] },
    },
    {
      name: 'parent about nobody',
      ask: ['a.nic.example', 'nobody.example', 'A'],
      expect: { rcode: 'NXDOMAIN', authorities: ['SOA example'] },
    },
    {
      name: 'zone of another',
      ask: [first, 'host.standby.example', 'A'],
      expect: { rcode: 'REFUSED', aa: false },
    },
    {
      name: 'zone not seized',
      ask: ['ns7.seizure.example', home, 'A'],
      expect: { rcode: 'REFUSED', aa: false },
    },
    { name: 'no ANY', ask: [first, home, 'ANY'], expect: { rcode: 'REFUSED', aa: false } },
    {
      name: 'update server',
      ask: [first, 'dynupdate.provider.example', 'A'],
      expect: { answers: ['A 127.0.0.1'] },
    },
  ];

  test.each(cases)('$name', async ({ ask, expect: expected }) => {
    const [overUdp, overTcp] = await Promise.all([
      lookUp(service, ...ask),
      lookUp(service, ...ask, { transport: 'tcp' }),
    ]);

    const whole = { rcode: 'NOERROR', aa: true, answers: [], authorities: [], additionals: [], ...expected };
    expect(overUdp).toMatchObject({ ...whole, transport: 'udp' });
    expect(overTcp).toMatchObject({ ...whole, transport: 'tcp' });
  });

  test('alias, wildcard and empty non-terminal', async () => {
    service.levers.setRecord('www.ddns.example', 'CNAME', home);
    service.levers.setRecord('away.ddns.example', 'CNAME', 'x.standby.example');
    service.levers.setRecord('a.b.ddns.example', 'A', '192.0.2.3');
    const alias = await lookUp(service, first, 'www.ddns.example', 'A');
    const away = await lookUp(service, first, 'away.ddns.example', 'A');
    const between = await lookUp(service, first, 'b.ddns.example', 'A');
    service.levers.setRecord('*.ddns.example', 'A', '198.51.100.1');
    const anything = await lookUp(service, first, 'xyz.ddns.example', 'A');
    const exact = await lookUp(service, first, home, 'A');

    expect(alias?.answers).toEqual([`CNAME ${home}`, 'A 192.0.2.1']);
    expect(away).toMatchObject({ aa: true, answers: ['CNAME x.standby.example'] });
    expect(between).toMatchObject({ rcode: 'NOERROR', answers: [] });
    expect(anything?.answers).toEqual(['A 198.51.100.1']);
    expect(exact?.answers).toEqual(['A 192.0.2.1']);
  });

  test('TTLs: a minute for hosts, two days for the delegation', async () => {
    const host = await lookUp(service, first, home, 'A');
    const parent = await askRaw({ name: 'ddns.example', type: 'NS' }, '127.0.53.1');

    expect(host?.ttls).toEqual([60]);
    expect(parent.authorities?.map((record) => 'ttl' in record && record.ttl)).toEqual([172_800, 172_800]);
  });

  test('each change raises the serial', async () => {
    const before = service.state().zones['ddns.example']?.serial ?? 0;
    await callUpdate(service, { hostname: home, myip: '192.0.2.77' });
    const reply = await askRaw({ name: 'ddns.example', type: 'SOA' }, '127.0.53.12');

    expect(reply.answers?.[0]).toMatchObject({ data: { serial: before + 1, mname: first } });
  });

  test('the question comes back letter by letter, with EDNS when it was used', async () => {
    const reply = await askRaw({ name: 'hOmE.ddns.EXAMPLE', type: 'A' }, '127.0.53.11');

    expect(reply.questions?.[0]?.name).toBe('hOmE.ddns.EXAMPLE');
    expect(reply.answers?.[0]?.name).toBe('hOmE.ddns.EXAMPLE');
    expect(reply.additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232 }]);
  });

  test('too long for UDP: cut there, whole over TCP', async () => {
    const addresses = Array.from({ length: 40 }, (_, last) => `203.0.113.${last}`);
    service.levers.setRecord('big.ddns.example', 'A', addresses);
    const plain = await lookUp(service, first, 'big.ddns.example', 'A', {
      transport: 'udp-only',
      edns: false,
    });
    const followed = await lookUp(service, first, 'big.ddns.example', 'A');
    service.levers.setRecord('big.ddns.example', 'A', addresses.slice(0, 20));
    const extended = await lookUp(service, first, 'big.ddns.example', 'A', { transport: 'udp-only' });

    expect(plain?.answers).toEqual([]);
    expect(followed).toMatchObject({ transport: 'tcp', answers: { length: 40 } });
    expect(extended?.answers).toHaveLength(20);
  });

  test.each([
    { name: 'garbage', bytes: Buffer.from('00'.repeat(6), 'hex'), flags: undefined },
    { name: 'an answer', bytes: encode({ type: 'response', id: 7 }), flags: undefined },
    { name: 'no question', bytes: encode({ type: 'query', id: 7 }), flags: 1 },
    { name: 'a cut question', bytes: Buffer.from('000700000001000000000000ff', 'hex'), flags: 1 },
    { name: 'another opcode', bytes: encode({ type: 'query', id: 7, flags: 5 << 11 }), flags: 4 },
  ])('hostile bytes: $name', async ({ bytes, flags }) => {
    const reply = await sendBytes(bytes, '127.0.53.11', flags === undefined ? 15 : 1000);
    const after = await lookUp(service, first, home, 'A');

    expect(reply && reply.readUInt16BE(2) & 15).toBe(flags);
    expect(after?.rcode).toBe('NOERROR');
  });

  test('several messages in one TCP stream, in odd pieces', async () => {
    const message = encode({ type: 'query', id: 9, questions: [{ name: home, type: 'A', class: 'IN' }] });
    const framed = Buffer.concat([Buffer.from([0, message.length]), message]);
    const stream = Buffer.concat([framed, framed]);
    const received = await new Promise<Buffer>((resolve, reject) => {
      const socket = connect(service.dns.port, '127.0.53.11').setNoDelay().on('error', reject);
      let bytes = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        const size = bytes.readUInt16BE(0) + 2;
        if (bytes.length === 2 * size) resolve(bytes.subarray(size + 2));
        if (bytes.length === 2 * size) socket.destroy();
      });
      socket.write(stream.subarray(0, 1));
      setTimeout(() => socket.write(stream.subarray(1)), 3);
    });

    expect(decode(received).answers).toMatchObject([{ data: '192.0.2.1' }]);
  });

  // Another program's opinion where there is one.
  if (!spawnSync('dig', ['-v']).error) {
    test('dig agrees', async () => {
      const server = ['@127.0.53.11', '-p', String(service.dns.port)];
      const dig = promisify(execFile);
      const { stdout } = await dig('dig', [
        ...server,
        home,
        'A',
        '+norecurse',
        '+noall',
        '+answer',
        '+comments',
      ]);

      expect(stdout).toContain('status: NOERROR');
      expect(stdout).toContain('flags: qr aa;');
      expect(stdout).toContain('192.0.2.1');
    });
  }
});

describe('public resolvers', () => {
  const [resolver = '', another = ''] = ['127.0.53.53', '127.0.53.54'];

  test('follow the delegation and cache by TTL, each on its own', async () => {
    const before = service.dnsQueries();
    const fresh = await lookUp(service, resolver, home, 'A');
    const asked = service.dnsQueries();
    service.levers.setRecord(home, 'A', '192.0.2.2');
    service.advance(20_000);
    const cached = await lookUp(service, resolver, home, 'A');
    const elsewhere = await lookUp(service, another, home, 'A');
    service.advance(41_000);
    const expired = await lookUp(service, resolver, home, 'A');

    expect(fresh).toMatchObject({ rcode: 'NOERROR', aa: false, answers: ['A 192.0.2.1'], ttls: [60] });
    expect(asked['a.nic.example']).toBe((before['a.nic.example'] ?? 0) + 1);
    expect(asked[first]).toBe((before[first] ?? 0) + 1);
    expect(cached).toMatchObject({ answers: ['A 192.0.2.1'], ttls: [40] });
    expect(elsewhere?.answers).toEqual(['A 192.0.2.2']);
    expect(expired?.answers).toEqual(['A 192.0.2.2']);
  });

  test('cache what does not exist', async () => {
    const nothing = await lookUp(service, resolver, 'new.ddns.example', 'A');
    service.levers.setRecord('new.ddns.example', 'A', '192.0.2.5');
    const still = await lookUp(service, resolver, 'new.ddns.example', 'A');
    service.advance(61_000);
    const now = await lookUp(service, resolver, 'new.ddns.example', 'A');

    expect(nothing).toMatchObject({ rcode: 'NXDOMAIN', authorities: ['SOA ddns.example'] });
    expect(still?.rcode).toBe('NXDOMAIN');
    expect(now?.answers).toEqual(['A 192.0.2.5']);
  });

  test('keep a delegation for two days', async () => {
    await lookUp(service, resolver, home, 'A');
    service.levers.seize('ddns.example', 'sinkhole');
    service.advance(47 * 3_600_000);
    const old = await lookUp(service, resolver, home, 'A');
    service.advance(2 * 3_600_000);
    const taken = await lookUp(service, resolver, home, 'A');

    expect(old?.answers).toEqual(['A 192.0.2.1']);
    expect(taken?.answers).toEqual(['A 198.51.100.66']);
  });

  test('follow an alias into another zone', async () => {
    service.levers.setRecord('www.hopto.example', 'CNAME', 'x.standby.example');
    service.levers.setRecord('x.standby.example', 'A', '192.0.2.44');

    const reply = await lookUp(service, resolver, 'www.hopto.example', 'A');

    expect(reply?.answers).toEqual(['CNAME x.standby.example', 'A 192.0.2.44']);
  });

  test('use the next server when one is dead', async () => {
    service.levers.deadServer(0);

    expect((await lookUp(service, resolver, home, 'A'))?.answers).toEqual(['A 192.0.2.1']);
  });

  test.each([
    { name: 'dead', pull: (server: number) => service.levers.deadServer(server) },
    { name: 'lame', pull: (server: number) => service.levers.lame(server) },
    { name: 'referring upwards', pull: (server: number) => service.levers.lame(server, true, 'referral') },
    { name: 'failing', pull: (server: number) => service.levers.servfail(server) },
  ])('SERVFAIL when all servers are $name, then recover', async ({ pull }) => {
    for (const server of [0, 1]) pull(server);
    const failed = await lookUp(service, resolver, home, 'A');
    await service.levers.reset();
    service.levers.setRecord(home, 'A', '192.0.2.1');
    const after = await lookUp(service, resolver, home, 'A');

    expect(failed?.rcode).toBe('SERVFAIL');
    expect(after?.answers).toEqual(['A 192.0.2.1']);
  });

  test('names outside the world, and questions without RD', async () => {
    const outside = await lookUp(service, resolver, 'www.example.org', 'A');
    const plain = await askRaw({ name: home, type: 'A' }, resolver);

    expect(outside?.rcode).toBe('SERVFAIL');
    expect((plain.flags ?? 0) & 15).toBe(5);
  });
});

test('questions are counted and logged by server', async () => {
  const before = service.dnsQueries();
  await lookUp(service, first, home, 'A');
  await lookUp(service, second, home, 'AAAA', { transport: 'tcp' });
  const after = service.dnsQueries();

  expect(after[first]).toBe((before[first] ?? 0) + 1);
  expect(after[second]).toBe((before[second] ?? 0) + 1);
  expect(service.dnsLog().at(-1)).toMatchObject({
    server: second,
    name: home,
    type: 'AAAA',
    transport: 'tcp',
  });
});

async function askRaw(question: { name: string; type: 'A' | 'NS' | 'SOA' }, address: string) {
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0 } as const;
  const additionals = [{ ...opt, flags: 0, flag_do: false, options: [] }];
  const bytes = await sendBytes(
    encode({ type: 'query', id: 3, questions: [question], additionals }),
    address,
  );
  if (!bytes) throw new Error('No answer');
  return decode(bytes);
}

/** One datagram to the server; its answer, or undefined after the timeout. */
function sendBytes(bytes: Buffer, address: string, timeoutMs = 1000): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    function finish(answer?: Buffer): void {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    }
    const timer = setTimeout(finish, timeoutMs);
    socket.once('message', finish);
    socket.send(bytes, service.dns.port, address);
  });
}
