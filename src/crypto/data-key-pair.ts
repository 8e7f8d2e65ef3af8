import { createHash, createPublicKey } from 'node:crypto'

/** The private half of a data key pair, encrypted under one KMS key. */
export interface WrappedPrivateKey {
  /** The key ARN. */
  keyId: string
  /** What KMS's Decrypt takes, in base64. */
  ciphertextBlob: string
}

/** A P-256 key pair to whose public half secrets are sealed; only KMS can unwrap the private half. */
export interface DataKeyPair {
  fingerprint: string
  /** DER SPKI. */
  publicKey: Buffer
  /** One for each region or account; they hold the same private key (PKCS#8). */
  wrapped: WrappedPrivateKey[]
  /** As given to KMS: a part of what Decrypt must be called with. */
  encryptionContext: Record<string, string>
}

/** One order for all who write a context down or compare it. */
export const sortedContext = (context: Record<string, string>) =>
  Object.fromEntries(Object.entries(context).sort(([one], [other]) => (one < other ? -1 : 1)))

/** Equal for contexts that are equal to KMS. */
export const contextText = (context: Record<string, string>) =>
  JSON.stringify(sortedContext(context))

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Names a pair in tokens and files: the first 8 bytes of the SPKI's SHA-256, in hex. */
export const fingerprintOf = (publicKey: Uint8Array) => sha256(publicKey).slice(0, 16)

/** What a build can be told to insist on: the whole SHA-256 of the SPKI. */
export const pinOf = (publicKey: Uint8Array) => `sha256:${sha256(publicKey)}`

/** Whether the bytes are the DER SPKI of a P-256 public key, and nothing more. */
export function isP256(spki: Buffer): boolean {
  try {
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    return (
      key.asymmetricKeyDetails?.namedCurve === 'prime256v1' &&
      key.export({ format: 'der', type: 'spki' }).equals(spki)
    )
  } catch {
    return false
  }
}
