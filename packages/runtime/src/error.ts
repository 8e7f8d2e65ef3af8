const DOCS = 'https://github.com/unplugin-kms/unplugin-kms/blob/main/docs/errors.md#'

/** Stable, and explained one by one in docs/errors.md. */
export type KmsSecretErrorCode =
  /** No credentials: not in the environment, at the container endpoint or from `configure`. */
  | 'CREDENTIALS_MISSING'
  /** `decryptEnv` was asked for an environment variable that is not set. */
  | 'ENV_UNSET'
  /** A plain http address that is neither loopback nor one of `insecureHosts`. */
  | 'ENDPOINT_INSECURE'
  /** The caller may not use the key: the role's policy or the key policy does not let it. */
  | 'KMS_DENIED'
  /** KMS refused for a reason that no retry mends; `kmsError` is its name. */
  | 'KMS_FAILED'
  /** No usable answer in time: network, throttling, KMS's own errors. The next await tries anew. */
  | 'KMS_UNREACHABLE'
  /** A secret was used as a string before it was awaited. */
  | 'NOT_AWAITED'
  /** No token of this version, altered, sealed under another name, or not the text or JSON asked for. */
  | 'OPEN_FAILED'
  /** The token was sealed to another data key pair than the one that KMS unwrapped. */
  | 'PAIR_UNKNOWN'

/**
 * What is known of a failure. Up to `secret`, failures are thrown as these plain facts: one failed
 * unwrap fails many secrets, and each makes an error of its own.
 */
export interface Failure {
  code: KmsSecretErrorCode
  /** What happened and what to do about it; never a value. Not `reason`: errors of node and OpenSSL have one. */
  why: string
  /** The secret's name, or how its mark reads. */
  secret?: string
  keyArn?: string
  /** KMS's name of the error, such as `InvalidCiphertextException`. */
  kmsError?: string | undefined
  requestId?: string | undefined
  cause?: unknown
}

// The constructor assigns every fact.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface KmsSecretError extends Failure {}

/** A secret that could not be opened. */
export class KmsSecretError extends Error {
  override name = 'KmsSecretError'

  constructor(facts: Failure) {
    super(`${facts.secret}: ${facts.why}, see ${DOCS}${facts.code}`)
    Object.assign(this, facts)
  }
}
