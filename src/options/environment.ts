import { KmsBuildError } from '../errors.js'

/** Returns the pins of UNPLUGIN_KMS_PIN: none if it is empty, as CI sets missing variables. */
export const pinsIn = ({ UNPLUGIN_KMS_PIN = '' }: Record<string, string | undefined>) =>
  UNPLUGIN_KMS_PIN.split(/[\s,]+/).filter(Boolean)

/**
 * Decodes UNPLUGIN_KMS_SEED.
 *
 * @returns undefined if it is unset.
 * @throws KmsBuildError OPTIONS_INVALID.
 */
export function seedOf(text: string | undefined): Uint8Array | undefined {
  if (!text) return undefined
  const seed = Buffer.from(text, 'base64')
  if (seed.length >= 32 && seed.toString('base64') === text) return seed
  throw new KmsBuildError(
    'OPTIONS_INVALID',
    'UNPLUGIN_KMS_SEED is not base64 of 32 bytes or more. Create one with: openssl rand -base64 32',
  )
}
