import { collectBySyntax } from './by-syntax.js'
import { collectByTokens } from './by-tokens.js'
import { commentedLiterals } from './commented.js'
import { MARKER, type CollectedMarks } from './mark.js'

/**
 * Finds the marks of a module by their import binding, so that renamed and namespace
 * imports count and shadowed names do not.
 *
 * @param file the file name in errors. Its extension determines the syntax.
 * @returns null if the module neither imports the marker nor has a literal that is commented out.
 * @throws KmsBuildError MARK_AS_VALUE, MARK_UNKNOWN, ARGUMENT_NOT_STATIC, FORMAT_UNKNOWN,
 *   MARK_OPTION_INVALID, SOURCE_UNPARSABLE.
 */
export function collect(code: string, file: string): CollectedMarks | null {
  if (!code.includes(MARKER)) return null
  const collected = collectByTokens(code, file) ?? collectBySyntax(code, file)
  const commented = commentedLiterals(code, file, collected?.marks ?? [])
  return commented.length ? { marks: [], imports: [], ...collected, commented } : collected
}
