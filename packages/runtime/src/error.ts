const DOCS = 'https://github.com/unplugin-kms/unplugin-kms/blob/main/docs/errors.md#'

/** Stable, and explained one by one in docs/errors.md. */
export type KmsSecretErrorCode =
  /** No credentials: not in the environment, at the container endpoint or from `configure`. */
  | 'CREDENTIALS_MISSING'
  /** A plain http address that is neither loopback nor one of `insecureHosts`. */
  | 'ENDPOINT_INSECURE'
  /** The caller may not use the key; the role's policy and the key's both count. */
  | 'KMS_DENIED'
  /** KMS refused for a reason that no retry mends; `kmsError` is its name. */
  | 'KMS_FAILED'
  /** No usable answer in time: network, throttling, KMS's own errors. The next await tries anew. */
  | 'KMS_UNREACHABLE'
  /** A secret was used as a string before it was awaited. */
  | 'NOT_AWAITED'
  /** No token of this version, altered, sealed under another name, or not UTF-8 or JSON as asked. */
  | 'OPEN_FAILED'
  /** The token was sealed to another data key pair than the one that KMS unwrapped. */
  | 'PAIR_UNKNOWN'

export interface KmsSecretErrorFacts {
  code: KmsSecretErrorCode
  /** What happened and what to do about it; never a value. */
  reason: string
  /** The secret's name, or how its mark reads. */
  secret?: string | undefined
  keyArn?: string | undefined
  /** KMS's name of the error, such as `InvalidCiphertextException`. */
  kmsError?: string | undefined
  requestId?: string | undefined
  cause?: unknown
}

export interface KmsSecretError extends KmsSecretErrorFacts {}

/** A secret that could not be opened. */
export class KmsSecretError extends Error {
  override name = 'KmsSecretError'

  constructor(facts: KmsSecretErrorFacts) {
    super(`${facts.secret}: ${facts.reason}; ${DOCS}${facts.code}`)
    Object.assign(this, facts)
  }
}

export function fail(code: KmsSecretErrorCode, reason: string, facts?: Partial<KmsSecretErrorFacts>): never {
  throw new KmsSecretError({ code, reason, ...facts })
}
