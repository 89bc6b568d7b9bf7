/**
 * The user's own zone, kept by an interface as PowerDNS has it: find the zone, read a record set, replace it. An
 * alias lives here, away from the provider of the dynamic names.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { World } from './world.ts';
import { isRecordKind, isWithin } from './zone.ts';

export const zoneApiKey = 'zone-api-key';

interface RecordSetChange {
  name: string;
  type: string;
  ttl: number;
  records: { content: string }[];
}

export async function serveZoneApi(
  request: IncomingMessage,
  response: ServerResponse,
  { world, zones }: { world: World; zones: readonly string[] },
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'https://zone-api.invalid');
  const body = await bodyOf(request);
  if (request.headers['x-api-key'] !== zoneApiKey) return end(response, 401, { error: 'Unauthorized' });
  const zone = zones.find((one) => pathname === `/api/v1/servers/localhost/zones/${one}.`);
  if (zone === undefined) return end(response, 404, { error: 'Not Found' });
  if (request.method === 'PATCH') {
    const { rrsets } = JSON.parse(body) as { rrsets: RecordSetChange[] };
    const error = rrsets.map((change) => refusalOf(change)).find((one) => one !== undefined);
    if (error !== undefined) return end(response, 422, { error });
    for (const { name, type, ttl, records } of rrsets) {
      if (isRecordKind(type)) world.setValues(bare(name), type, records.map(contentOf), ttl);
    }
    response.writeHead(204).end();
    return;
  }
  const name = bare(searchParams.get('rrset_name') ?? '');
  const type = searchParams.get('rrset_type') ?? '';
  const values = isRecordKind(type) && isWithin(name, zone) ? world.values(name, type) : [];
  const records = values.map((value) => ({ content: written(type, value), disabled: false }));
  const rrsets = records.length === 0 ? [] : [{ name: `${name}.`, type, ttl: 60, records }];
  end(response, 200, { name: `${zone}.`, kind: 'Native', ...(name !== '' && { rrsets }) });

  function refusalOf({ name: owner, type: kind, records: values }: RecordSetChange): string | undefined {
    const others = (['A', 'AAAA', 'TXT'] as const).some((one) => world.values(bare(owner), one).length > 0);
    if (kind === 'CNAME' && others) return `RRset ${owner} IN CNAME: Conflicts with another RRset`;
    return kind === 'CNAME' && values.some(({ content }) => !content.endsWith('.'))
      ? `Record ${owner}/CNAME is not canonical`
      : undefined;
  }
}

function contentOf({ content }: { content: string }): string {
  return bare(content);
}

function written(type: string, value: string): string {
  return type === 'CNAME' ? `${value}.` : value;
}

function bare(name: string): string {
  return name.replace(/\.$/, '');
}

function end(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
