import { awsEnv, credentials } from './credentials.js'
import { type Failure, UNREACHABLE } from './error.js'
import { send } from './send.js'
import { sign } from './sign.js'

/**
 * [key ARN, endpoint host, CiphertextBlob in base64, encryption algorithm unless SYMMETRIC_DEFAULT].
 * The build determines the host: derived from the ARN here, a crafted ARN would send the credentials
 * to another host. It is the host without the FIPS and dual-stack variables of the build, which are
 * applied at run time.
 */
export type Wrapped = [keyArn: string, host: string, blob: string, algorithm?: string | undefined]

/**
 * The other fields of the Decrypt request. KMS accepts a context with symmetric keys only. `KeyId` is
 * present to leave it out.
 */
export type Fields = { KeyId?: undefined } & (
  | { EncryptionContext: Record<string, string> }
  | { EncryptionAlgorithm: string }
)

/** Returns whether a variable is set to true, in any letter case as in the AWS CLI. */
const isOn = (name: string) => /true/i.test(awsEnv(name)!)

/** Milliseconds by which the clock of KMS is ahead of ours, according to its last answer. */
let ahead = 0

/**
 * Calls kms:Decrypt once. Throws a `Failure` if KMS or a proxy answers with an error, of code
 * KMS_UNREACHABLE if a retry may help.
 */
export async function requestDecrypt(
  [keyArn, host, blob]: Wrapped,
  fields: Fields,
  signal: AbortSignal,
  insecureHosts?: string[],
): Promise<Buffer> {
  if (isOn('USE_FIPS_ENDPOINT')) host = host.replace('kms.', 'kms-fips.')
  if (isOn('USE_DUALSTACK_ENDPOINT')) host = host.replace(/amazonaws.com$/, 'api.aws')
  const url = new URL(
    (!isOn('IGNORE_CONFIGURED_ENDPOINT_URLS') &&
      (awsEnv('ENDPOINT_URL_KMS') || awsEnv('ENDPOINT_URL'))) ||
      'https://' + host,
  )
  const body = JSON.stringify({ KeyId: keyArn, CiphertextBlob: blob, ...fields })
  const caller = await credentials(signal)
  const { Expiration } = caller
  const signedAt = Date.now() + ahead
  const signed = sign(url, body, keyArn.split(':')[3]!, caller, signedAt)
  const [answer, { statusCode, headers }] = await send(url, signed, signal, body, insecureHosts)
  // trim() exists for strings only, whereas Buffer.from takes objects, too.
  if (answer.Plaintext) return Buffer.from(answer.Plaintext.trim(), 'base64')

  const kmsError: string | undefined = answer.__type?.split('#').pop()
  const isDenied = /AccessDenied/.test(kmsError!)
  // Whatever the reason, the next attempt does not rely on cached credentials.
  caller.Expiration = ''
  const now = Date.parse(headers.date!)
  // Signed before a freeze, or by a wrong clock: use the clock of KMS from now on.
  const isSkewed = Math.abs(now - signedAt) > 60_000
  if (isSkewed) ahead = now - Date.now()
  // Only an answer of KMS itself is final, not that of a proxy.
  const passing = Expiration ? /Throttl|^Exp|^Unr/ : /Throttl/
  const mayPass = isSkewed || !kmsError || statusCode! > 499 || passing.test(kmsError)
  throw {
    code: mayPass ? UNREACHABLE : isDenied ? 'KMS_DENIED' : 'KMS_FAILED',
    why:
      [statusCode, kmsError, answer.message ?? answer.Message].join(' ') +
      (isDenied ? '; check the key policy' : ''),
    kmsError,
    requestId: headers['x-amzn-requestid'] as string,
  } satisfies Failure
}
