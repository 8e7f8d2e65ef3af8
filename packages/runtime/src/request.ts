import { credentials } from './credentials.js'
import type { Failure } from './error.js'
import { send } from './send.js'
import { sign } from './sign.js'

/**
 * [key ARN, endpoint host, CiphertextBlob in base64, encryption algorithm if not SYMMETRIC_DEFAULT].
 * The host is the build's: made from the ARN, a crafted one would lead the credentials elsewhere.
 */
export type Wrapped = [keyArn: string, host: string, blob: string, algorithm?: string | undefined]

export const regionOf = (keyArn: string) => keyArn.split(':')[3] ?? process.env.AWS_REGION!

/** Milliseconds by which KMS's clock is ahead of ours, as it last told. */
let ahead = 0

/** One kms:Decrypt. Rejects with a `Failure`, of code KMS_UNREACHABLE if another try may help. */
export async function requestDecrypt(
  [keyArn, host, blob, algorithm]: Wrapped,
  context: Record<string, string>,
  signal: AbortSignal,
  insecureHosts?: string[],
): Promise<Buffer> {
  try {
    const { AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL } = process.env
    const url = new URL(AWS_ENDPOINT_URL_KMS || AWS_ENDPOINT_URL || `https://${host}`)
    const body = JSON.stringify({
      KeyId: keyArn || undefined,
      CiphertextBlob: blob,
      EncryptionAlgorithm: algorithm,
      // KMS takes a context with symmetric keys alone.
      EncryptionContext: algorithm ? undefined : context,
    })
    const caller = await credentials(signal)
    const signedAt = Date.now() + ahead
    const headers = sign(url, body, regionOf(keyArn), caller, signedAt)
    const [answer, { statusCode, headers: told }] = await send(
      url,
      headers,
      signal,
      insecureHosts,
      body,
    )
    if (answer.Plaintext) return Buffer.from(answer.Plaintext, 'base64')

    const kmsError: string | undefined = answer.__type?.split('#').pop()
    const denied = kmsError === 'AccessDeniedException'
    const now = Date.parse(told.date!)
    // Signed before a freeze, or by a clock that is wrong: from here on KMS's clock counts.
    const skewed = Math.abs(now - signedAt) > 60_000
    if (skewed) ahead = now - Date.now()
    // Only KMS's own word is final, not a proxy's.
    const again = skewed || !kmsError || statusCode! > 499 || /Throttl/.test(kmsError)
    throw {
      code: again ? 'KMS_UNREACHABLE' : denied ? 'KMS_DENIED' : 'KMS_FAILED',
      why:
        [statusCode, kmsError, answer.message ?? answer.Message].join(' ') +
        (denied ? "; the role's policy and the key policy must both allow it" : ''),
      kmsError,
      requestId: told['x-amzn-requestid'] as string,
    } satisfies Failure
  } catch (error: any) {
    // Of an answer that is no HTTP, node keeps the bytes, and they may hold the plaintext.
    delete error.rawPacket
    throw {
      code: 'KMS_UNREACHABLE',
      keyArn,
      ...(error.why ? error : { cause: error }),
      why: `${keyArn} with ${JSON.stringify(context)}: ${error.why ?? (signal.reason ?? error).message}`,
    } satisfies Failure
  }
}
