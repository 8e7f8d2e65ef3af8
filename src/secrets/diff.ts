import { entryText } from '../secrets-file/entry-token.js'
import { existingSecretsFile } from '../secrets-file/locate.js'
import type { SecretsFile } from '../secrets-file/parse.js'

export interface SecretDifference {
  name: string
  /**
   * `only-first` and `only-second`: the entry is missing in the other file. `stale`: one file's entry is
   * sealed to an earlier data key pair, the other's is not. `changed`: both files have the data key
   * pair, and the entry was sealed again in one of them.
   */
  what: 'only-first' | 'only-second' | 'stale' | 'changed'
  /** Which of the files has the stale entry. */
  in?: 'first' | 'second'
}

/**
 * Compares the names and generations of two secrets files. Needs no AWS, and sees no value.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID.
 */
export async function diffSecretsFiles(first: string, second: string): Promise<SecretDifference[]> {
  const [one, two] = await Promise.all(
    [first, second].map((secretsFile) => existingSecretsFile({ secretsFile })),
  )
  const names = [...new Set([...one!.secrets.keys(), ...two!.secrets.keys()])].sort()
  return names.flatMap((name) => differenceOf(name, one!, two!) ?? [])
}

function differenceOf(
  name: string,
  one: SecretsFile,
  two: SecretsFile,
): SecretDifference | undefined {
  const [first, second] = [one.secrets.get(name), two.secrets.get(name)]
  if (!second) return { name, what: 'only-first' }
  if (!first) return { name, what: 'only-second' }
  const [firstIsStale, secondIsStale] = [isStale(name, one), isStale(name, two)]
  if (firstIsStale !== secondIsStale)
    return { name, what: 'stale', in: firstIsStale ? 'first' : 'second' }
  const isShared = first.fingerprint === second.fingerprint
  return isShared && entryText(first) !== entryText(second) ? { name, what: 'changed' } : undefined
}

const isStale = (name: string, { secrets, current }: SecretsFile): boolean =>
  ![...current.values()].some(({ fingerprint }) => fingerprint === secrets.get(name)!.fingerprint)
