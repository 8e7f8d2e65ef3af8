import { credentials } from './credentials.js'
import { KmsSecretError } from './error.js'
import { send } from './send.js'
import { sign } from './sign.js'

/**
 * [key ARN, endpoint host, CiphertextBlob in base64, encryption algorithm if not SYMMETRIC_DEFAULT].
 * The host is the build's: made from the ARN, a crafted one would lead the credentials elsewhere.
 */
export type Wrapped = [keyArn: string, host: string, blob: string, algorithm?: string]

/** Milliseconds by which KMS's clock is ahead of ours, as it last told. */
let ahead = 0

/** One kms:Decrypt. Rejects with a `KmsSecretError`, of code KMS_UNREACHABLE if asking again may help. */
export async function requestDecrypt(
  [keyArn, host, blob, algorithm]: Wrapped,
  context: Record<string, string>,
  insecureHosts: string[] | undefined,
  signal: AbortSignal,
): Promise<Buffer> {
  const { AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL, AWS_REGION } = process.env
  const facts = { code: 'KMS_UNREACHABLE', keyArn } as any
  try {
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
    const headers = sign(url, body, keyArn.split(':')[3] ?? AWS_REGION!, caller, new Date(signedAt))
    const [{ statusCode, headers: told }, answer] = await send(url, { method: 'POST', headers, signal }, body, insecureHosts)
    if (answer.Plaintext) return Buffer.from(answer.Plaintext, 'base64')

    facts.kmsError = answer.__type?.split('#').pop()
    facts.requestId = told['x-amzn-requestid']
    const now = Date.parse(told.date!)
    let advice = ''
    if (Math.abs(now - signedAt) > 60_000) {
      // Signed before a freeze, or by a clock that is wrong: from here on KMS's clock counts.
      ahead = now - Date.now()
    } else if (/Denied/.test(facts.kmsError)) {
      facts.code = 'KMS_DENIED'
      advice = `; allow it in the role's policy and in the key policy, with the context ${JSON.stringify(context)}`
    } else if (statusCode! < 500 && statusCode! > 299 && !/Throttl|Timeout|Internal|Unavailable/.test(facts.kmsError)) {
      facts.code = 'KMS_FAILED'
    }
    throw new Error(`${statusCode} ${facts.kmsError} ${answer.message ?? answer.Message}${advice}`)
  } catch (cause: any) {
    throw new KmsSecretError({ ...facts, reason: `${keyArn}: ${cause.message}`, cause, ...(cause.reason && cause) })
  }
}
