import { CommanderError } from 'commander'
import { KmsBuildError, type BuildErrorCode } from '../../errors.js'

/** The exit codes; docs/command-line.md explains them. */
export const EXIT = {
  SUCCESS: 0,
  /** Plaintext literals, a leak, a merge conflict. */
  FINDINGS: 1,
  USAGE_ERROR: 2,
  /** AWS denied the call, accepted no credentials, or could not be reached. */
  AWS: 3,
  /** A file is malformed, was changed by somebody else, or cannot be read or written. */
  INVALID_INPUT: 4,
  /** Ctrl-C at a prompt, as shells count it. */
  INTERRUPTED: 130,
} as const

const BY_CODE: Partial<Record<BuildErrorCode, number>> = {
  ARGUMENT_INVALID: EXIT.USAGE_ERROR,
  AWS_CLIENT_MISSING: EXIT.USAGE_ERROR,
  AWS_CONFIG_INVALID: EXIT.AWS,
  CREDENTIALS_MISSING: EXIT.AWS,
  CIPHERTEXT_FOREIGN: EXIT.USAGE_ERROR,
  DOTENV_AMBIGUOUS: EXIT.USAGE_ERROR,
  ENV_UNSET: EXIT.USAGE_ERROR,
  ESBUILD_MISSING: EXIT.USAGE_ERROR,
  KEY_MISSING: EXIT.USAGE_ERROR,
  KMS_DENIED: EXIT.AWS,
  KMS_FAILED: EXIT.AWS,
  KMS_UNREACHABLE: EXIT.AWS,
  LAMBDA_DENIED: EXIT.AWS,
  LAMBDA_FAILED: EXIT.AWS,
  LEAK: EXIT.FINDINGS,
  NAME_INVALID: EXIT.USAGE_ERROR,
  NAME_TAKEN: EXIT.USAGE_ERROR,
  NAME_UNKNOWN: EXIT.USAGE_ERROR,
  OPTIONS_INVALID: EXIT.USAGE_ERROR,
  PACKAGE_MISSING: EXIT.USAGE_ERROR,
  PLAINTEXT_EMPTY: EXIT.USAGE_ERROR,
  PLAINTEXT_ENCODING: EXIT.USAGE_ERROR,
  PLAINTEXT_LITERAL: EXIT.FINDINGS,
  SCOPE_MISMATCH: EXIT.USAGE_ERROR,
  SCOPE_UNKNOWN: EXIT.USAGE_ERROR,
  SECRETS_FILE_EXISTS: EXIT.USAGE_ERROR,
  SECRETS_FILE_MISSING: EXIT.USAGE_ERROR,
  SOURCE_DENIED: EXIT.AWS,
  SOURCE_FAILED: EXIT.AWS,
  SOURCE_NOT_FOUND: EXIT.AWS,
  STAGES_SEVERAL: EXIT.USAGE_ERROR,
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.SUCCESS : EXIT.USAGE_ERROR
  if (error instanceof KmsBuildError) return BY_CODE[error.code] ?? EXIT.INVALID_INPUT
  return EXIT.INVALID_INPUT
}
