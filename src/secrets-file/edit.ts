import { existingPath, existingSecretsFile, type SecretsOptions } from './locate.js'
import { withLock } from './lock.js'
import type { SecretsFile } from './parse.js'
import { writeSecretsFile } from './serialize.js'
import { trustStateOf } from './trust-state.js'
import { checkTrust, writeTrusted } from './trust.js'
import { updateTypes } from './typings.js'

export interface EditResult<T> {
  path: string
  result: T
  /** Warnings for the user. The change was made. */
  warnings: string[]
}

/**
 * Changes a secrets file under a lock, and replaces it in one step.
 *
 * @param trust `check` if the change seals to the file's pairs or wraps them: the file is then checked
 *   against what the user trusts, and the changed state is remembered.
 * @param change changes the parsed file that it receives.
 * @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID, PIN_MISMATCH, FILE_LOCKED,
 *   FILE_UNWRITABLE, and what `change` throws; the file is then unchanged.
 */
export async function editSecretsFile<T>(
  options: SecretsOptions,
  trust: 'check' | 'ignore',
  change: (file: SecretsFile) => T | Promise<T>,
): Promise<EditResult<T>> {
  const path = await existingPath(options)
  return withLock(path, async (stillHeld) => {
    const file = await existingSecretsFile(options)
    const before = trustStateOf(file)
    const warnings = trust === 'check' ? await checkTrust(file, options.trust) : []
    const result = await change(file)
    stillHeld()
    if (trust === 'check') warnings.push(...(await writeTrusted(file, before)))
    else await writeSecretsFile(file)
    return { path, result, warnings: [...warnings, ...(await updateTypes(file))] }
  })
}
