/** Each signer against what the vendor itself has published, character by character. */
import { createHmac, generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../../agent/hosts/node-crypto.ts';
import type { HttpRequest } from '../../../agent/ports.ts';
import { SIGNERS, signRequest } from '../../../agent/providers/signing/signers.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const NONCE = '3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf';

interface Given {
  method?: HttpRequest['method'];
  url: string;
  headers?: Record<string, string>;
  body?: string;
}

async function signed(
  signer: string,
  { method = 'GET', url, headers = {}, body }: Given,
  username: string,
  password: string,
  at: string,
  more: { parameters?: Record<string, string>; options?: Record<string, string>; nonce?: string } = {},
): Promise<HttpRequest> {
  const request: HttpRequest = {
    method,
    url,
    headers,
    phaseTimeoutMs: 1,
    maxBodyBytes: 1,
    ...(body !== undefined && { body }),
  };
  const result = await SIGNERS.get(signer)?.(request, {
    credential: { username, password },
    parameters: {},
    options: {},
    nowMs: Date.parse(at),
    nonce: NONCE,
    crypto: nodeCrypto,
    ...more,
  });
  if (result?.ok !== true) {
    throw new Error(`not signed: ${JSON.stringify(result)}`);
  }
  return result.value;
}

function authorizationOf({ authorization }: HttpRequest): string | undefined {
  return authorization?.scheme === 'header' ? authorization.value : undefined;
}

describe('aws-sigv4', () => {
  // The vendor's test suite "aws4_testsuite".
  const KEY = ['AKIDEXAMPLE', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', '2015-08-30T12:36:00Z'] as const;
  const parameters = { region: 'us-east-1', service: 'service' };
  const url = 'https://example.amazonaws.com/';

  test.each([
    {
      name: 'get-vanilla',
      given: { url },
      names: 'host;x-amz-date',
      signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    },
    {
      name: 'get-vanilla-query-order-key-case',
      given: { url: `${url}?Param2=value2&Param1=value1` },
      names: 'host;x-amz-date',
      signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    },
    {
      name: 'post-vanilla',
      given: { method: 'POST' as const, url },
      names: 'host;x-amz-date',
      signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    },
    {
      name: 'post-x-www-form-urlencoded',
      given: {
        method: 'POST' as const,
        url,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: 'Param1=value1',
      },
      names: 'content-type;host;x-amz-date',
      signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    },
  ])('$name', async ({ given, names, signature }) => {
    const request = await signed('aws-sigv4', given, ...KEY, { parameters });

    expect(authorizationOf(request)).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${names}, Signature=${signature}`,
    );
    expect(request.headers['x-amz-date']).toBe('20150830T123600Z');
  });
});

test("volcengine: what the vendor's own SDK makes of the same request (@volcengine/openapi 1.36)", async () => {
  const request = await signed(
    'volcengine',
    {
      method: 'POST',
      url: 'https://open.volcengineapi.com/?Version=2018-08-01&Action=UpdateRecord',
      body: '{"RecordID":"1"}',
    },
    'AKLTEXAMPLE',
    'volc-secret-1',
    '2026-01-02T03:04:05Z',
    { parameters: { region: 'cn-north-1', service: 'DNS' } },
  );

  expect(authorizationOf(request)).toBe(
    'HMAC-SHA256 Credential=AKLTEXAMPLE/20260102/cn-north-1/DNS/request, SignedHeaders=host;x-content-sha256;x-date, Signature=98ebbf2ca69ce600ac32e8dbb94f785f240b6730deb05270961e1fa5eb5c9ce5',
  );
  expect(request.headers).toEqual({
    'x-content-sha256': 'fba26608051b1a6b028ef7be46ec20a62964a4639aa8b7eb5e2ed61bc1a741a1',
    'x-date': '20260102T030405Z',
  });
});

test('tencent-tc3: the example of the documentation, whose key is made of asterisks', async () => {
  const request = await signed(
    'tencent-tc3',
    {
      method: 'POST',
      url: 'https://cvm.tencentcloudapi.com/',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'x-tc-action': 'DescribeInstances',
        'x-tc-version': '2017-03-12',
      },
      body: '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
    },
    `AKID${'*'.repeat(32)}`,
    '*'.repeat(32),
    '2019-02-25T16:44:25Z',
    { parameters: { service: 'cvm' } },
  );

  expect(authorizationOf(request)).toBe(
    `TC3-HMAC-SHA256 Credential=AKID${'*'.repeat(32)}/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f`,
  );
  expect(request.headers['x-tc-timestamp']).toBe('1551113065');
});

test("huawei: the test of the vendor's own SDK", async () => {
  const request = await signed(
    'huawei',
    {
      url: 'https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0',
      headers: { 'content-type': 'application/json' },
    },
    'QTWAOYTTINDUT2QVKYUC',
    'MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc',
    '2019-11-15T03:36:55Z',
  );

  expect(authorizationOf(request)).toBe(
    'SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe',
  );
});

test('baidu-bce: the example of the documentation', async () => {
  const request = await signed(
    'baidu-bce',
    {
      method: 'PUT',
      url: 'https://bj.bcebos.com/v1/test/myfolder/readme.txt?partNumber=9&uploadId=VXBsb2FkIElpZS5tMnRzIHVwbG9hZA',
      headers: {
        Date: 'Mon, 27 Apr 2015 16:23:49 +0800',
        'Content-Type': 'text/plain',
        'Content-Length': '8',
        'Content-Md5': '0a52730597fb4ffa01fc117d9e71e3a9',
        'x-bce-date': '2015-04-27T08:23:49Z',
      },
    },
    '0b0f67dfb88244b289b72b142befad0c',
    'bad522c2126a4618a8125f4b6cf6356f',
    '2015-04-27T08:23:49Z',
  );

  expect(authorizationOf(request)).toBe(
    'bce-auth-v1/0b0f67dfb88244b289b72b142befad0c/2015-04-27T08:23:49Z/1800/content-length;content-md5;content-type;host;x-bce-date/a19e6386e990691aca1114a20357c83713f1cb4be3d74942bb4ed37469ecdacf',
  );
});

test('alibaba-rpc: the example of the documentation', async () => {
  const { url } = await signed(
    'alibaba-rpc',
    { url: 'https://ecs.aliyuncs.com/?Format=XML&Action=DescribeRegions&Version=2014-05-26' },
    'testid',
    'testsecret',
    '2016-02-23T12:46:24Z',
  );

  const query = new URL(url).searchParams;
  expect(query.get('Signature')).toBe('OLeaidS1JvxuMvnyHOwuJ+uX5qY=');
  expect(Object.fromEntries(query)).toMatchObject({
    AccessKeyId: 'testid',
    SignatureMethod: 'HMAC-SHA1',
    SignatureNonce: NONCE,
    SignatureVersion: '1.0',
    Timestamp: '2016-02-23T12:46:24Z',
  });
  expect(url).toContain('Signature=OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D');
});

test('alibaba-rpc: a wildcard is escaped, not left as it is or made a plus', async () => {
  const { url } = await signed(
    'alibaba-rpc',
    { url: 'https://dns.example.com/?RR=%2A.lan%20host' },
    'id',
    'secret',
    '2026-01-01T00:00:00Z',
  );

  expect(url).toContain('RR=%2A.lan%20host&');
});

test('todaynic: the sum over sorted parameters, made by other means', async () => {
  const { url } = await signed(
    'todaynic',
    { url: 'https://dns.example.com/api/Dns/DescribeRecordIndex?Type=A&Host=home&Domain=example.org' },
    'instance',
    'secret',
    '2026-01-02T03:04:05Z',
  );

  const signedQuery =
    `AccessInstanceID=instance&Domain=example.org&Host=home&SignatureMethod=HMAC-SHA1&SignatureNonce=${NONCE}` +
    '&Timestamp=2026-01-02T03%3A04%3A05Z&Type=A';
  const expected = createHmac('sha1', 'secret&')
    .update(`GET&%2F&${encodeURIComponent(signedQuery)}`)
    .digest('base64');
  expect(url).toBe(
    `https://dns.example.com/api/Dns/DescribeRecordIndex?${signedQuery}&Signature=${encodeURIComponent(expected)}`,
  );
});

test('ovh: the example of the documentation', async () => {
  const request = await signed(
    'ovh',
    { url: 'https://eu.api.ovh.com/1.0/domains/' },
    '7kbG7Bk7S9Nt7ZSV',
    'EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF',
    '2013-04-21T16:15:45Z',
    { options: { consumer_key: 'MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1' } },
  );

  expect(request.authorization).toEqual({
    scheme: 'header',
    name: 'x-ovh-signature',
    value: '$1$d3705e8afb27a0d2970a322b96550abfc67bb798',
  });
  expect(request.headers).toEqual({
    'x-ovh-application': '7kbG7Bk7S9Nt7ZSV',
    'x-ovh-consumer': 'MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1',
    'x-ovh-timestamp': '1366560945',
  });
});

describe('with a private key', () => {
  const LOGIN = { method: 'POST' as const, url: 'https://api.example.com/login' };
  const ACCOUNT = 'agent@project.example.com';

  test.each([
    { name: 'as PEM', password: pem },
    { name: 'as PEM on one line', password: pem.replaceAll('\n', '\\n') },
    {
      name: 'as the file of the provider',
      password: JSON.stringify({ client_email: ACCOUNT, private_key: pem }),
    },
  ])('google-jwt makes an assertion that the public key confirms ($name)', async ({ password }) => {
    const parameters = {
      scope: 'https://scope.example.com/dns',
      audience: 'https://login.example.com/token',
    };

    const { body = '', headers } = await signed(
      'google-jwt',
      LOGIN,
      ACCOUNT,
      password,
      '2026-01-02T03:04:05Z',
      {
        parameters,
      },
    );

    const form = new URLSearchParams(body);
    const [head = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toEqual({ alg: 'RS256', typ: 'JWT' });
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toEqual({
      iss: ACCOUNT,
      scope: parameters.scope,
      aud: parameters.audience,
      iat: 1767323045,
      exp: 1767326645,
    });
    expect(
      verify('sha256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url')),
    ).toBe(true);
  });

  test('transip signs the whole body with SHA-512', async () => {
    const request = await signed('transip', LOGIN, 'login', pem, '2026-01-02T03:04:05Z');

    const { body = '' } = request;
    expect(JSON.parse(body)).toEqual({
      login: 'login',
      nonce: NONCE.slice(0, 32),
      read_only: false,
      expiration_time: '30 minutes',
      label: 'Holdfast 1767323045000',
      global_key: true,
    });
    expect(
      verify('sha512', Buffer.from(body), publicKey, Buffer.from(authorizationOf(request) ?? '', 'base64')),
    ).toBe(true);
  });

  test.each(['', 'no key', pem.slice(0, 200), '{"private_key": 7}', '{'])(
    '%j is no key, and nothing is sent',
    async (password) => {
      const result = await signRequest(
        'transip',
        { ...LOGIN, headers: {}, phaseTimeoutMs: 1, maxBodyBytes: 1 },
        { credential: { username: 'login', password }, options: {}, parameters: {} },
        { clock: { nowMs: () => Date.UTC(2026, 0, 1) }, crypto: nodeCrypto },
      );

      expect(result).toMatchObject({ ok: false, failure: { code: 'signing/BAD_KEY', kind: 'credential' } });
    },
  );
});

test.each([...SIGNERS.keys()])('%s signs nothing before the clock is set', async (signer) => {
  const result = await signRequest(
    signer,
    { method: 'GET', url: 'https://example.com/', headers: {}, phaseTimeoutMs: 1, maxBodyBytes: 1 },
    { credential: { username: 'id', password: 'secret' }, options: {}, parameters: {} },
    { clock: { nowMs: () => 86_400_000 }, crypto: nodeCrypto },
  );

  expect(result).toMatchObject({ ok: false, failure: { code: 'signing/CLOCK', kind: 'unreachable' } });
});

test.each([...SIGNERS.keys()])('%s never sends the secret itself', async (signer) => {
  const rsa = ['google-jwt', 'transip'].includes(signer);
  const password = rsa ? pem : 'the-very-secret';

  const request = await signed(
    signer,
    { method: 'POST', url: 'https://example.com/path?a=b', body: '{}' },
    'id',
    password,
    '2026-01-02T03:04:05Z',
  );

  expect(JSON.stringify(request)).not.toContain(rsa ? password.split('\n')[1] : password);
});
