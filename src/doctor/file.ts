import { knownPinsOf } from '../secrets-file/known-pins.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { checkPins } from '../secrets-file/pins.js'
import { isStale, pairOf } from '../secrets-file/scopes.js'
import { check, type Check } from './check.js'

/** What a secrets file that was read says of itself, with no AWS. */
export async function checkFile(file: SecretsFile, pins: string[]): Promise<Check[]> {
  const { path, pairs, secrets } = file
  const stale = [...secrets].filter(([, token]) => isStale(file, pairOf(file, token)))
  return [
    check(
      'ok',
      'file',
      `${path} is valid (entries: ${secrets.size}, data key pairs: ${pairs.size})`,
    ),
    await checkPin(file, pins),
    stale.length
      ? check(
          'advice',
          'stale',
          `${stale.map(([name]) => name).join(', ')} ${stale.length === 1 ? 'is' : 'are'} sealed to an earlier data key pair`,
          { fix: 'npx unplugin-kms rotate seals them anew' },
        )
      : check('ok', 'stale', 'every entry is sealed to the current data key pair'),
  ]
}

/** Looks only: a pin that was not seen before is not remembered. */
async function checkPin(file: SecretsFile, pins: string[]): Promise<Check> {
  const known = pins.length ? pins : await knownPinsOf(file.path)
  if (!known) {
    return check(
      'unchecked',
      'pin',
      'no pin is set (UNPLUGIN_KMS_PIN) or remembered: nothing vouches for the public key but --decrypt',
    )
  }
  try {
    checkPins(file, known)
    return check('ok', 'pin', 'the public keys are the pinned ones')
  } catch (error) {
    return check('found', 'pin', (error as Error).message, {
      fix: 'look who changed the file (git log); seal nothing to it until you know',
    })
  }
}
