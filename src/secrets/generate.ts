import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { KmsBuildError } from '../errors.js'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/**
 * Generates a random value.
 *
 * @param kind `uuid`, `hex` (32 bytes), or a number of letters and digits.
 * @throws KmsBuildError ARGUMENT_INVALID.
 */
export function generateValue(kind: string): string {
  if (kind === 'uuid') return randomUUID()
  if (kind === 'hex') return randomBytes(32).toString('hex')
  const length = /^\d{1,4}$/.test(kind) ? Number(kind) : 0
  if (length < 8)
    throw new KmsBuildError(
      'ARGUMENT_INVALID',
      '--generate takes a length from 8 to 9999, uuid or hex. Write --generate=32 if a name follows.',
    )
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}
