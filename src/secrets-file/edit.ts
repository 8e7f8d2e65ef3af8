import { checkKnownPin } from './known-pins.js'
import { existingPath, existingSecretsFile, type SecretsOptions } from './locate.js'
import { withLock } from './lock.js'
import type { SecretsFile } from './parse.js'
import { writeSecretsFile } from './serialize.js'
import { updateTypes } from './typings.js'

export interface Edited<T> {
  path: string
  result: T
  /** What the user should know although the change was made. */
  warnings: string[]
}

/**
 * Changes a secrets file: no other command changes it meanwhile, and it is replaced in one step.
 *
 * @param change changes the file that it is given; `sealing` where it seals to the file's key.
 * @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID, PIN_MISMATCH, FILE_LOCKED,
 *   FILE_UNWRITABLE, and what `change` throws; the file is then as it was.
 */
export async function editSecretsFile<T>(
  options: SecretsOptions,
  sealing: 'sealing' | 'not sealing',
  change: (file: SecretsFile) => T | Promise<T>,
): Promise<Edited<T>> {
  const path = await existingPath(options)
  return withLock(path, async (stillHeld) => {
    const file = await existingSecretsFile(options)
    const warnings = sealing === 'sealing' ? await checkKnownPin(file, options.trust) : []
    const result = await change(file)
    stillHeld()
    await writeSecretsFile(file)
    return { path, result, warnings: [...warnings, ...(await updateTypes(file))] }
  })
}
