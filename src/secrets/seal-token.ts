import { sealToText } from '../crypto/seal.js'
import { checkName } from '../secrets-file/names.js'
import { parseSecretsFile } from '../secrets-file/parse.js'
import { checkPins } from '../secrets-file/pins.js'
import { currentPair } from '../secrets-file/scopes.js'
import { checkValue } from './set.js'

export interface SealTokenOptions {
  /** The secrets file: a JSON string, or the object of `import file from './kms-secrets.json'`. */
  secretsFile: string | object
  /** The name of the entry. Without it, the token is for `secret('kms:v1:…')`. */
  name?: string
  /** The scope to seal to. Default: `default`, or the only scope. */
  scope?: string
  /** One or several pins: `sha256:` and 64 hex digits. */
  pin?: string | string[]
}

/**
 * Seals a value to a secrets file's current data key pair. Reads and writes no file, and needs no
 * AWS: for a service that accepts secrets from others.
 *
 * @returns a token, `kms:v1:…`
 * @throws KmsBuildError SECRETS_FILE_INVALID, PIN_MISMATCH, NAME_INVALID, SCOPE_UNKNOWN,
 *   PLAINTEXT_EMPTY, PLAINTEXT_LONE_SURROGATE.
 */
export async function sealToken(
  value: string | Uint8Array,
  { secretsFile, name, scope, pin = [] }: SealTokenOptions,
): Promise<string> {
  if (name !== undefined) checkName(name)
  checkValue(name ?? 'the token', value)
  const text = typeof secretsFile === 'string' ? secretsFile : JSON.stringify(secretsFile)
  const file = parseSecretsFile(text, 'the secrets file')
  const pins = [pin].flat()
  if (pins.length) checkPins(file, pins)
  const kind = name !== undefined ? 'named' : typeof value === 'string' ? 'literal' : 'bytes'
  const plaintext = Buffer.from(value as Uint8Array)
  return sealToText(currentPair(file, scope), kind, plaintext, name)
}
