import { seal } from '../crypto/seal.js'
import { looksLikeToken } from '../crypto/token.js'
import { KmsBuildError } from '../errors.js'
import { editSecretsFile, type EditResult } from '../secrets-file/edit.js'
import type { SecretsOptions } from '../secrets-file/locate.js'
import { checkName } from '../secrets-file/names.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { currentPair, pairOf } from '../secrets-file/scopes.js'
import { decryptFirst, foreignCiphertext } from '../util/foreign-ciphertext.js'

export interface SetOptions extends SecretsOptions {
  /** The scope of the entries. Default: `default`, or the only scope. */
  scope?: string
}

/** Names of entries that were added and replaced, and their scope. */
export interface SetResult {
  added: string[]
  replaced: string[]
  scope: string
}

/**
 * Seals values into the secrets file. Adds new entries and replaces existing ones. Needs no AWS.
 *
 * @returns which names were new and which were replaced.
 * @throws KmsBuildError NAME_INVALID, SCOPE_UNKNOWN, SCOPE_MISMATCH, PLAINTEXT_EMPTY, and what `editSecretsFile` throws.
 */
export async function setSecrets(
  values: Map<string, Uint8Array | string>,
  options: SetOptions = {},
): Promise<EditResult<SetResult>> {
  for (const [name, value] of values) {
    checkName(name)
    checkValue(name, value)
  }
  return editSecretsFile(options, 'check', async (file) => {
    const names = [...values.keys()]
    const { scope } = currentPair(file, options.scope)
    if (options.scope === undefined) for (const name of names) rejectMove(file, name, scope)
    const replaced = names.filter((name) => file.secrets.has(name))
    await Promise.all(
      [...values].map(([name, value]) =>
        sealEntry(file, name, Buffer.from(value as Uint8Array), scope),
      ),
    )
    return { added: names.filter((name) => !replaced.includes(name)), replaced, scope }
  })
}

/** Fails if an entry would change its scope: only the user may decide that. @throws KmsBuildError SCOPE_MISMATCH. */
export function rejectMove(file: SecretsFile, name: string, scope: string): void {
  const token = file.secrets.get(name)
  const present = token ? pairOf(file, token).scope : scope
  if (present !== scope)
    throw new KmsBuildError(
      'SCOPE_MISMATCH',
      `${name} belongs to the scope ${present} of ${file.path}. Repeat the command with --scope ${present}, or with --scope ${scope} to move the entry there. Nothing was set.`,
    )
}

/** Seals one value into the secrets file; see `setSecrets`. */
export const setSecret = (name: string, value: Uint8Array | string, options?: SetOptions) =>
  setSecrets(new Map([[name, value]]), options)

/**
 * Rejects what is not the secret itself.
 *
 * @throws KmsBuildError PLAINTEXT_EMPTY, PLAINTEXT_ENCODING, PLAINTEXT_LONE_SURROGATE,
 *   CIPHERTEXT_FOREIGN, TOKEN_INVALID.
 */
export function checkValue(name: string, value: Uint8Array | string): void {
  if (!value.length)
    throw new KmsBuildError(
      'PLAINTEXT_EMPTY',
      `the value for ${name} is empty, which is usually a mistake. Nothing was set.`,
    )
  const foreign = foreignCiphertext(value)
  if (foreign)
    throw new KmsBuildError('CIPHERTEXT_FOREIGN', `the value for ${name} ${decryptFirst(foreign)}`)
  if (looksLikeToken(Buffer.from(value as Uint8Array).toString('latin1', 0, 16)))
    throw new KmsBuildError(
      'TOKEN_INVALID',
      `the value for ${name} is sealed already: it begins with kms:v. Give the plaintext, or move the entry with npx unplugin-kms rename.`,
    )
  if (typeof value === 'string' && value.startsWith('\ufeff'))
    throw new KmsBuildError(
      'PLAINTEXT_ENCODING',
      `the value for ${name} begins with a byte order mark, which would be part of the secret. Remove it, or give bytes.`,
    )
  if (typeof value === 'string' && !value.isWellFormed())
    throw new KmsBuildError(
      'PLAINTEXT_LONE_SURROGATE',
      `the value for ${name} has a lone surrogate, which UTF-8 cannot represent. Give bytes instead.`,
    )
}

/** Seals an entry to the current pair of a scope of a parsed file. Writes nothing. */
export async function sealEntry(
  file: SecretsFile,
  name: string,
  plaintext: Uint8Array,
  scope: string,
): Promise<void> {
  file.secrets.set(name, await seal(currentPair(file, scope), 'named', plaintext, name))
}
