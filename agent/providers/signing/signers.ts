/** The signers by the name that catalogue entries use. */
import { failed, type Outcome } from '../../core/failure.ts';
import { hex } from '../../core/octets.ts';
import type { Clock, Crypto, HttpRequest } from '../../ports.ts';
import { alibabaRpc, todaynic } from './alibaba-rpc.ts';
import { awsSigv4, volcengine } from './aws-sigv4.ts';
import { baiduBce } from './baidu-bce.ts';
import { clockFault } from './clock.ts';
import { huawei } from './huawei.ts';
import { ovh } from './ovh.ts';
import { googleJwt, transip } from './rsa.ts';
import type { Signer, SigningContext } from './signer.ts';
import { tencentTc3 } from './tencent-tc3.ts';

export const SIGNERS: ReadonlyMap<string, Signer> = new Map([
  ['alibaba-rpc', alibabaRpc],
  ['aws-sigv4', awsSigv4],
  ['baidu-bce', baiduBce],
  ['google-jwt', googleJwt],
  ['huawei', huawei],
  ['ovh', ovh],
  ['tencent-tc3', tencentTc3],
  ['todaynic', todaynic],
  ['transip', transip],
  ['volcengine', volcengine],
]);

export interface SigningPorts {
  clock: Pick<Clock, 'nowMs'>;
  crypto: Crypto;
}

const NONCE_OCTETS = 16;

/** Signs just before the request is sent; `signer` is a name of the table above. */
export async function signRequest(
  signer: string,
  request: HttpRequest,
  context: Omit<SigningContext, 'nowMs' | 'nonce' | 'crypto'>,
  { clock, crypto }: SigningPorts,
): Promise<Outcome<HttpRequest>> {
  const sign = SIGNERS.get(signer);
  if (sign === undefined) {
    throw new Error(`there is no signer ${signer}`);
  }
  const nowMs = clock.nowMs();
  const fault = clockFault(nowMs);
  if (fault) {
    return failed(fault);
  }
  return sign(request, { ...context, nowMs, nonce: hex(crypto.randomOctets(NONCE_OCTETS)), crypto });
}
