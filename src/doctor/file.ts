import type { SecretsFile } from '../secrets-file/parse.js'
import { checkPins } from '../secrets-file/pins.js'
import { hasScopes, isStale, pairOf, scopeNames } from '../secrets-file/scopes.js'
import { compareWithTrusted } from '../secrets-file/trust.js'
import { rememberedTrust } from '../secrets-file/trust-store.js'
import { check, type Check } from './check.js'

/** What a secrets file that was read says of itself, with no AWS. */
export async function checkFile(file: SecretsFile, pins: string[]): Promise<Check[]> {
  const { path, pairs, secrets } = file
  const stale = [...secrets].filter(([, token]) => isStale(file, pairOf(file, token)))
  return [
    check(
      'ok',
      'file',
      `${path} is valid (entries: ${secrets.size}, data key pairs: ${pairs.size}${hasScopes(file) ? `, scopes: ${scopeNames(file).join(', ')}` : ''})`,
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

/** Compares only: remembers nothing. */
async function checkPin(file: SecretsFile, pins: string[]): Promise<Check> {
  if (!pins.length && !(await rememberedTrust(file.path))) {
    return check(
      'unchecked',
      'pin',
      'no pin is set (UNPLUGIN_KMS_PIN) or remembered: nothing vouches for the keys that can decrypt; --decrypt checks the public keys',
    )
  }
  try {
    if (pins.length) checkPins(file, pins)
    const change = pins.length ? undefined : await compareWithTrusted(file)
    if (!change?.rejected)
      return check('ok', 'pin', 'the keys that can decrypt are the trusted ones')
    // A changed KMS key or context has checks of its own, which say what it causes.
    const isForeign = change.lines.some((line) => line.startsWith('+ data key pair'))
    return check(
      isForeign ? 'found' : 'advice',
      'pin',
      `${file.path}: the set of keys that can decrypt is not the pinned one: ${change.lines.join('; ')}`,
      { fix: 'find out who changed the file (git log); seal nothing to it until you know' },
    )
  } catch (error) {
    return check('found', 'pin', (error as Error).message, {
      fix: 'find out who changed the file (git log); seal nothing to it until you know',
    })
  }
}
