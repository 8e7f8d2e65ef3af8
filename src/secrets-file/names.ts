import { KmsBuildError } from '../errors.js'

/** The scope of a file without scopes, and of entries that name none. */
export const DEFAULT_SCOPE = 'default'

/** Visible ASCII without `=`. */
const PLAIN = /^[!-<>-~]+$/

/**
 * Returns why a string cannot be the name of an entry: names must be distinguishable and typeable.
 * The reason contains none of the string.
 */
export function nameProblem(name: string): string | undefined {
  if (PLAIN.test(name)) return undefined
  if (name === '') return 'it is empty.'
  if (name.includes('='))
    return "it contains '='. A value is never given as an argument, where the process list and the shell's history show it: give only the name, and the value at the prompt, on stdin or with --from-file."
  if (!name.isWellFormed()) return 'it has a lone surrogate, which UTF-8 cannot represent.'
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name)) return 'it has a line break or another control character.'
  if (name !== name.trim()) return 'it begins or ends with a space.'
  if (name !== name.normalize('NFC'))
    return "it is not in Unicode's composed form (NFC), and would look the same as another name."
  return undefined
}

/**
 * Checks the name of an entry. The message does not contain the name: what follows a `=` is most
 * likely a value.
 *
 * @throws KmsBuildError NAME_INVALID.
 */
export function checkName(name: string): void {
  const problem = nameProblem(name)
  if (problem)
    throw new KmsBuildError('NAME_INVALID', `this is not a valid name for a secret: ${problem}`)
}

/** Returns why a string cannot be the name of a scope. */
export const scopeProblem = (scope: string): string | undefined =>
  /^[a-zA-Z0-9][\w.-]{0,63}$/.test(scope)
    ? undefined
    : 'it must have 1 to 64 letters, digits, ".", "_" or "-", and begin with a letter or digit.'

/** @throws KmsBuildError NAME_INVALID. */
export function checkScopeName(scope: string): void {
  const problem = scopeProblem(scope)
  if (problem)
    throw new KmsBuildError(
      'NAME_INVALID',
      `${JSON.stringify(scope)} is not a valid scope: ${problem}`,
    )
}
