import { KmsBuildError } from '../errors.js'

/**
 * Refuses names that nobody could tell apart or type again. `=` is refused since what follows it is
 * most likely a value; so no message here shows the name.
 *
 * @throws KmsBuildError NAME_INVALID.
 */
export function checkName(name: string): void {
  if (name === '') fail('it is empty.')
  if (name.includes('=')) {
    fail(
      "it holds '='. A value is never given as an argument, where the list of processes and the shell's history show it: give the name alone, and the value at the prompt, on stdin or with --from-file.",
    )
  }
  if (!name.isWellFormed()) fail('it has a lone surrogate, which UTF-8 cannot carry.')
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name)) fail('it has a line break or another control character.')
  if (name !== name.trim()) fail('it begins or ends with a space.')
  if (name !== name.normalize('NFC'))
    fail("it is not in Unicode's composed form (NFC), and would look the same as another name.")
}

function fail(why: string): never {
  throw new KmsBuildError('NAME_INVALID', `this is no name for a secret: ${why}`)
}
