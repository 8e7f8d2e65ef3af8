import type { SecretsFile } from '../secrets-file/parse.js'
import { checkPins } from '../secrets-file/pins.js'
import { hasScopes, isStale, pairOf, scopeNames } from '../secrets-file/scopes.js'
import { compareWithTrusted } from '../secrets-file/trust.js'
import { rememberedTrust } from '../secrets-file/trust-store.js'
import { check, type Check } from './check.js'

/** Checks a secrets file without AWS. */
export async function checkFile(file: SecretsFile, pins: string[]): Promise<Check[]> {
  const { path, pairs, secrets } = file
  const stale = [...secrets].filter(([, token]) => isStale(file, pairOf(file, token)))
  return [
    check('ok', 'file', 'FILE_VALID', {
      path,
      entries: secrets.size,
      pairs: pairs.size,
      scopes: hasScopes(file) ? scopeNames(file) : [],
    }),
    await checkPin(file, pins),
    stale.length
      ? check('advice', 'stale', 'ENTRIES_STALE', { names: stale.map(([name]) => name) })
      : check('ok', 'stale', 'ENTRIES_CURRENT'),
  ]
}

/** Compares the file with the pins. Does not remember its state. */
async function checkPin(file: SecretsFile, pins: string[]): Promise<Check> {
  if (!pins.length && !(await rememberedTrust(file.path)))
    return check('unchecked', 'pin', 'PIN_MISSING')
  try {
    if (pins.length) checkPins(file, pins)
    const change = pins.length ? undefined : await compareWithTrusted(file)
    if (!change?.rejected) return check('ok', 'pin', 'PIN_MATCHES')
    // Other checks report the effects of a changed KMS key or context.
    const isForeign = change.lines.some((line) => line.startsWith('+ data key pair'))
    const data = { path: file.path, changes: change.lines }
    return check(isForeign ? 'found' : 'advice', 'pin', 'PIN_CHANGED', data)
  } catch (error) {
    return check('found', 'pin', 'PIN_DIFFERS', { message: (error as Error).message })
  }
}
