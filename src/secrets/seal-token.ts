import { seal } from '../crypto/seal.js'
import { checkName } from '../secrets-file/names.js'
import { parseSecretsFile } from '../secrets-file/parse.js'
import { checkPins } from '../secrets-file/pins.js'
import { checkValue } from './set.js'

export interface SealTokenOptions {
  /** The secrets file's JSON: its text, or as `import file from './kms-secrets.json'` gives it. */
  secretsFile: string | object
  /** For an entry of that name; absent, the token is for `secret('kms:v1:…')`. */
  name?: string
  /** `sha256:` and the 64 hex digits of the file's public key, one or several. */
  pin?: string | string[]
}

/**
 * Seals a value to a secrets file's current data key pair, reading and writing nothing: for a service
 * that takes secrets from others. It needs the file's public key alone, and no AWS.
 *
 * @returns a token, `kms:v1:…`
 * @throws KmsBuildError SECRETS_FILE_INVALID, PIN_MISMATCH, NAME_INVALID, PLAINTEXT_EMPTY,
 *   PLAINTEXT_LONE_SURROGATE.
 */
export async function sealToken(
  value: string | Uint8Array,
  { secretsFile, name, pin = [] }: SealTokenOptions,
): Promise<string> {
  if (name !== undefined) checkName(name)
  checkValue(name ?? 'the token', value)
  const text = typeof secretsFile === 'string' ? secretsFile : JSON.stringify(secretsFile)
  const file = parseSecretsFile(text, 'the secrets file')
  checkPins(file, [pin].flat())
  const kind = name !== undefined ? 'named' : typeof value === 'string' ? 'literal' : 'bytes'
  const plaintext = Buffer.from(value as Uint8Array)
  return seal(file.pairs.get(file.current)!, kind, plaintext, name)
}
