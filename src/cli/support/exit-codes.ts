import { CommanderError } from 'commander'
import { KmsBuildError, type BuildErrorCode } from '../../errors.js'

/** What the program's end tells a script. */
export const EXIT = {
  FINE: 0,
  /** A check found something: plaintext literals, a leak, a merge conflict. */
  FOUND: 1,
  WRONG_USE: 2,
  /** AWS refused, accepted no credentials, or could not be reached. */
  AWS: 3,
  /** A file is broken, changed by a stranger, or cannot be read or written. */
  BROKEN_INPUT: 4,
  /** Ctrl-C at a prompt, as shells count it. */
  INTERRUPTED: 130,
} as const

const BY_CODE: Partial<Record<BuildErrorCode, number>> = {
  ARGUMENT_INVALID: EXIT.WRONG_USE,
  AWS_CONFIG_INVALID: EXIT.AWS,
  CREDENTIALS_MISSING: EXIT.AWS,
  CIPHERTEXT_FOREIGN: EXIT.WRONG_USE,
  DOTENV_AMBIGUOUS: EXIT.WRONG_USE,
  ENV_UNSET: EXIT.WRONG_USE,
  ESBUILD_MISSING: EXIT.WRONG_USE,
  KEY_MISSING: EXIT.WRONG_USE,
  KMS_DENIED: EXIT.AWS,
  KMS_FAILED: EXIT.AWS,
  KMS_UNREACHABLE: EXIT.AWS,
  LEAK: EXIT.FOUND,
  NAME_INVALID: EXIT.WRONG_USE,
  NAME_TAKEN: EXIT.WRONG_USE,
  NAME_UNKNOWN: EXIT.WRONG_USE,
  OPTIONS_INVALID: EXIT.WRONG_USE,
  PLAINTEXT_EMPTY: EXIT.WRONG_USE,
  PLAINTEXT_ENCODING: EXIT.WRONG_USE,
  PLAINTEXT_LITERAL: EXIT.FOUND,
  SECRETS_FILE_EXISTS: EXIT.WRONG_USE,
  SECRETS_FILE_MISSING: EXIT.WRONG_USE,
  SOURCE_DENIED: EXIT.AWS,
  SOURCE_FAILED: EXIT.AWS,
  SOURCE_NOT_FOUND: EXIT.AWS,
  STAGES_SEVERAL: EXIT.WRONG_USE,
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.FINE : EXIT.WRONG_USE
  if (error instanceof KmsBuildError) return BY_CODE[error.code] ?? EXIT.BROKEN_INPUT
  return EXIT.BROKEN_INPUT
}
