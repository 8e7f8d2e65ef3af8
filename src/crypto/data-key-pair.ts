import { createHash } from 'node:crypto'

/** The private half of a data key pair, encrypted under one KMS key. */
export interface WrappedPrivateKey {
  /** The key ARN. */
  keyId: string
  /** The CiphertextBlob that kms:Decrypt takes, in base64. */
  ciphertextBlob: string
}

/**
 * A P-256 or ML-KEM-1024 key pair. Secrets are sealed to its public half; only KMS can unwrap its private
 * half. `suiteOf` returns which of the two.
 */
export interface DataKeyPair {
  fingerprint: string
  /** DER SPKI. */
  publicKey: Buffer
  /** One for each region or account. All contain the same private key (PKCS#8). */
  wrapped: WrappedPrivateKey[]
  /** The context that the private key was wrapped with. kms:Decrypt needs the same. */
  encryptionContext: Record<string, string>
}

/** Returns the context with its names sorted, as it is written to files and compared. */
export const sortedContext = (context: Record<string, string>) =>
  Object.fromEntries(Object.entries(context).sort(([one], [other]) => (one < other ? -1 : 1)))

/** Returns a string that is equal for contexts that are equal to KMS. */
export const contextText = (context: Record<string, string>) =>
  JSON.stringify(sortedContext(context))

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Returns the name of a pair in tokens and files: the first 8 bytes of the SPKI's SHA-256, in hex. */
export const fingerprintOf = (publicKey: Uint8Array) => sha256(publicKey).slice(0, 16)

/** Returns the complete SHA-256 of an SPKI, as `sha256:` and 64 hex digits. */
export const publicKeyDigest = (publicKey: Uint8Array) => `sha256:${sha256(publicKey)}`
