import { readFileSync } from 'node:fs'
import { KmsBuildError } from '../errors.js'
import { collectBySyntax } from '../pipeline/collect/by-syntax.js'
import { collect } from '../pipeline/collect/collect.js'
import { placeholderIndex, plaintextLiterals } from '../pipeline/collect/literals.js'
import { MARKER, type Mark, type Source } from '../pipeline/collect/mark.js'
import { callKey } from '../pipeline/collect/served.js'
import type { StaticValue } from '../syntax/static-value.js'

/** How a module was loaded: compiled CommonJS requires the marker. */
export type ModuleFormat = 'esm' | 'cjs'

/**
 * Returns the marks in a module's source file.
 *
 * @throws KmsBuildError as `collect` does.
 */
export function marksIn(path: string, file: string, format: ModuleFormat): Mark[] {
  const code = readFileSync(path, 'utf8')
  if (!code.includes(MARKER)) return []
  const isCompiled = format === 'cjs' && /\.c?js$/.test(path)
  const collected = isCompiled ? collectBySyntax(code, file, 'serve') : collect(code, file)
  return collected?.marks ?? []
}

/** Finds the mark that a call with these arguments belongs to. */
export type FindMark = (source: Source, values: StaticValue[]) => Mark

/**
 * Returns a function that finds marks by the arguments of their calls. A plaintext literal is also
 * found by the placeholder that replaced it.
 *
 * @param file shown in the error of a call that belongs to no mark.
 */
export function markFinder(file: string, marks: Mark[]): FindMark {
  const byKey = new Map(marks.map((mark) => [callKey(mark.source, mark.values), mark]))
  return (source, values) => {
    const mark =
      source === 'literal'
        ? literalOf(`${values[0] as string}`, marks)
        : byKey.get(callKey(source, values))
    if (mark) return mark
    const name = source === 'literal' ? 'secret' : `secret.${source}`
    throw new KmsBuildError(
      'MARK_UNTRANSFORMED',
      `${file} has no mark ${name}(…) with these arguments.`,
    )
  }
}

function literalOf(text: string, marks: Mark[]): Mark | undefined {
  const index = placeholderIndex(text)
  // The complete text: the key of a call has only its end, which two plaintexts may share.
  return index === undefined
    ? marks.find(({ source, argument }) => source === 'literal' && argument === text)
    : plaintextLiterals(marks)[index]
}
