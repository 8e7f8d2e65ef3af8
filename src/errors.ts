import { printable } from './printable.js'

/** All error codes. docs/errors.md explains each. */
export const CODES = [
  'ARGUMENT_INVALID',
  'ARGUMENT_NOT_STATIC',
  'AWS_CLIENT_MISSING',
  'AWS_CONFIG_INVALID',
  'BUNDLE_FAILED',
  'CIPHERTEXT_FOREIGN',
  'CLIENT_BUNDLE',
  'CREDENTIALS_MISSING',
  'DEV_VALUE_MISSING',
  'DOTENV_AMBIGUOUS',
  'EDGE_RUNTIME',
  'ENTRY_UNSUITABLE',
  'ENV_UNSET',
  'ESBUILD_MISSING',
  'FILE_CHANGED',
  'FILE_LOCKED',
  'FILE_UNREADABLE',
  'FILE_UNWRITABLE',
  'FORMAT_UNKNOWN',
  'JSON_INVALID',
  'KEY_MISSING',
  'KEY_UNPROVEN',
  'KMS_DENIED',
  'KMS_FAILED',
  'KMS_UNREACHABLE',
  'LAMBDA_DENIED',
  'LAMBDA_FAILED',
  'LEAK',
  'MANIFEST_INVALID',
  'MARK_AS_VALUE',
  'MARK_OPTION_INVALID',
  'MARK_UNKNOWN',
  'MARK_UNTRANSFORMED',
  'NAME_INVALID',
  'NAME_TAKEN',
  'NAME_UNKNOWN',
  'OPEN_FAILED',
  'OPTIONS_INVALID',
  'OUTPUT_UNSAFE',
  'PACKAGE_MISSING',
  'PAIR_MISMATCH',
  'PIN_MISMATCH',
  'PLAINTEXT_EMPTY',
  'PLAINTEXT_ENCODING',
  'PLAINTEXT_LITERAL',
  'PLAINTEXT_LONE_SURROGATE',
  'PLAINTEXT_TOO_LARGE',
  'PRERENDERED',
  'RECOVERY_FAILED',
  'SCOPE_FORBIDDEN',
  'SCOPE_MISMATCH',
  'SCOPE_UNKNOWN',
  'SECRETS_FILE_EXISTS',
  'SECRETS_FILE_INVALID',
  'SECRETS_FILE_MISSING',
  'SHIM_EXTERNAL',
  'SOURCE_DENIED',
  'SOURCE_FAILED',
  'SOURCE_NOT_FOUND',
  'SOURCE_UNPARSABLE',
  'SOURCE_UNSUITABLE',
  'STAGES_SEVERAL',
  'TARGET_UNSUPPORTED',
  'TOKEN_FOREIGN',
  'TOKEN_INVALID',
  'TOKEN_NAMED',
] as const

export type BuildErrorCode = (typeof CODES)[number]

/** A place in the user's source. Line and column start at 1. */
export interface Place {
  file: string
  line: number
  column: number
}

export const placeText = ({ file, line, column }: Place) =>
  line ? `${file}:${line}:${column}` : file

/**
 * A failed build. The message says where, what, why and what to do next, and never contains a value.
 * `code` is stable. Rollup and Vite replace `code` by their own; there it is `pluginCode`.
 */
export class KmsBuildError extends Error {
  override readonly name = 'KmsBuildError'
  readonly code: BuildErrorCode
  readonly place?: Place
  // Rollup copies `code` here. If it is not set, Vite sets it to the source of the module.
  readonly pluginCode: BuildErrorCode
  readonly #message: string

  constructor(code: BuildErrorCode, message: string, place?: Place, options?: ErrorOptions) {
    super(printable(`${place ? `${placeText(place)}: ` : ''}${message} [${code}]`), options)
    this.#message = message
    this.code = code
    this.pluginCode = code
    if (place) this.place = place
    // Bundlers and overlays print the stack, which shows lines of the plugin, not the cause.
    this.stack = `${this.name}: ${this.message}`
  }

  /** Returns this error with a place, or itself if it has one. */
  at(place: Place): KmsBuildError {
    if (this.place) return this
    return new KmsBuildError(this.code, this.#message, place, { cause: this.cause })
  }
}
