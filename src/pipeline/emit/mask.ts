import MagicString from 'magic-string'
import { collect } from '../collect/collect.js'
import { placeholder, plaintextLiterals } from '../collect/literals.js'
import { mapOf, type EmittedMap } from './map.js'
import { redact } from './redact.js'

/**
 * Replaces each plaintext literal of a module by a placeholder, so that compilers and type checkers can
 * read the module before its marks are sealed. Needs no session, so it can run in any thread.
 *
 * @param shown the file name in errors.
 * @returns null if the module has no plaintext literal, not even a commented-out one.
 * @throws KmsBuildError the errors of `collect`.
 */
export function maskLiterals(
  code: string,
  file: string,
  shown = file,
): { code: string; map: EmittedMap } | null {
  const collected = collect(code, shown)
  const literals = plaintextLiterals(collected?.marks)
  if (!collected || !(literals.length || collected.commented)) return null
  const { text, at } = redact(code, collected)
  const magic = new MagicString(text)
  literals.forEach(({ argumentStart, argumentEnd }, index) => {
    const start = at(argumentStart)
    const masked = text.slice(start, at(argumentEnd))
    const lines = masked.replace(/[^\n]/g, '')
    magic.overwrite(start, at(argumentEnd), `'${placeholder(index)}'${lines}`)
  })
  return { code: magic.toString(), map: mapOf(magic, file) }
}
