/** Codes are stable. docs/errors.md explains each of them. */
export type KmsSecretErrorCode =
  /** No credentials: not in the environment, at the container endpoint or from `configure`. */
  | 'CREDENTIALS_MISSING'
  /** `decryptEnv` was called with an environment variable that is not set. */
  | 'ENV_UNSET'
  /** A plain http address that is neither loopback nor one of `insecureHosts`. */
  | 'ENDPOINT_INSECURE'
  /** The caller may not use the key: the role's policy or the key policy does not allow it. */
  | 'KMS_DENIED'
  /** KMS refused, and a retry does not help; `kmsError` is the name of the error. */
  | 'KMS_FAILED'
  /** No usable answer in time: network, throttling, KMS's own errors. The next await tries again. */
  | 'KMS_UNREACHABLE'
  /** The data key pair is an ML-KEM pair, which Node.js before 24.7 cannot open. */
  | 'NODE_UNSUPPORTED'
  /** A secret was used as a string before it was awaited. */
  | 'NOT_AWAITED'
  /** Not a token of this version, altered, sealed under another name, or not the requested text or JSON. */
  | 'OPEN_FAILED'
  /** The token was sealed to another data key pair than the one that KMS unwrapped. */
  | 'PAIR_UNKNOWN'

/**
 * The facts about a failure. Below `secret`, failures are thrown as these plain objects, because one
 * failed unwrap fails many secrets, each with an error of its own.
 */
export interface Failure {
  code: KmsSecretErrorCode
  /** What happened and what to do about it; never a value. Not `reason`: errors of node and OpenSSL have one. */
  why: string
  /** The secret's name, or its mark as it is written in the source. */
  secret?: string
  keyArn?: string
  /** The error name of KMS, such as `InvalidCiphertextException`. */
  kmsError?: string | undefined
  requestId?: string | undefined
}

/**
 * Creates the error of a secret that could not be opened. Its stack begins at the caller of `below`,
 * so that an uncaught error shows the user's line and not the shim's.
 */
export function errorOf({ why, ...facts }: Failure, below: Function): Error {
  const error = Object.assign(new Error(`${facts.secret}: ${why} [${facts.code}]`), {
    name: 'KmsSecretError',
    ...facts,
  })
  Error.captureStackTrace(error, below)
  return error
}

/** A secret that could not be opened. `instanceof` recognizes the errors of every copy of the shim. */
export class KmsSecretError extends Error {
  override name = 'KmsSecretError'
  declare code: KmsSecretErrorCode
  /** The secret's name, or its mark as it is written in the source. */
  declare secret: string
  declare keyArn?: string
  /** The error name of KMS, such as `InvalidCiphertextException`. */
  declare kmsError?: string
  /** The request ID of KMS. */
  declare requestId?: string

  static override [Symbol.hasInstance](error: unknown): boolean {
    return error instanceof Error && error.name === 'KmsSecretError'
  }
}

/** The code of failures that a retry may help. */
export const UNREACHABLE = 'KMS_UNREACHABLE'
