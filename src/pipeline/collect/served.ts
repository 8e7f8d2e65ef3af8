import { KmsBuildError } from '../../errors.js'
import type { StaticValue } from '../../syntax/static-value.js'
import { readText } from '../../util/read-text.js'
import { collectBySyntax } from './by-syntax.js'
import { collect } from './collect.js'
import { commentedLiterals } from './commented.js'
import { placeholderIndex, plaintextLiterals } from './literals.js'
import { MARKER, type CommentedLiteral, type Mark, type Source } from './mark.js'

/** A module that imports the marker and is not rewritten, because another plugin compiles it. */
export interface ServedModule {
  /** Path without a query. */
  path: string
  /** The path in errors. */
  file: string
  /** The compiled code; absent if the bundler does not provide it. */
  compiled?: string | undefined
  command: 'build' | 'serve'
  /** Whether a literal is one that was masked before the module was compiled. */
  isMasked: (argument: string) => boolean
}

const EVAL = /\beval\b/
const SCRIPT = /\.[cm]?[jt]sx?$/

/**
 * Finds the marks of a module that is not rewritten: in its compiled code if the bundler provides it, else
 * in its source file. Their places are in the source file.
 *
 * @returns null if no marks can be found: the module is not on disk, or does not contain the marker.
 * @throws KmsBuildError the errors of `collect`, and MARK_UNTRANSFORMED for a plaintext literal.
 */
export function collectServed({
  path,
  file,
  compiled,
  command,
  isMasked,
}: ServedModule): Mark[] | null {
  const source = readText(path) ?? ''
  // The syntax tree does not contain the calls of an `eval`.
  if (EVAL.test(compiled ?? source)) return null
  const inSource = SCRIPT.test(path) ? sourceMarks(source, file) : null
  const marks = compiled?.includes(MARKER)
    ? compiledMarks(compiled, file, command)?.map((mark) =>
        placeInSource(mark, inSource, source, file),
      )
    : inSource && marksOf(source, file, command)
  if (!marks) return null
  const literal =
    plaintextLiterals(marks).find(({ argument }) => !isMasked(argument)) ??
    (compiled === undefined
      ? commentedIn(source, file, marks).find(({ isKept }) => isKept)
      : commentedIn(compiled, file, marks)[0])
  if (literal) throw unrewritten(literal)
  return marks
}

/** Returns the marks of compiled code with their places in the source file, if they are in it. */
export function placeMarksInSource(marks: Mark[], path: string, file: string): Mark[] {
  const source = readText(path) ?? ''
  let inSource: Mark[] | null = null
  try {
    if (SCRIPT.test(path)) inSource = sourceMarks(source, file)
  } catch {
    // An invalid source only means that the places are unknown.
  }
  return marks.map((mark) => placeInSource(mark, inSource, source, file))
}

/** Returns the key of a call in the table of its module, by its arguments. */
export function callKey(source: Source, values: StaticValue[]): string {
  // The end of a token identifies it, and keeps the bundle small.
  const key = source === 'literal' ? [(values[0] as string).slice(-24)] : values.map(plain)
  return JSON.stringify([source, ...key])
}

const plain = (value: StaticValue) =>
  typeof value === 'object'
    ? Object.entries(value)
        // At run time, `__proto__` in an object literal is not a property.
        .filter(([name]) => name !== '__proto__')
        .sort(([a], [b]) => (a < b ? -1 : 1))
    : value

/** Finds the marks of the source file. Fails where a transform would, with the same places. */
function sourceMarks(source: string, file: string): Mark[] | null {
  try {
    return collect(source, file)?.marks ?? null
  } catch (error) {
    // The plugin that compiles the module may know more syntax.
    if (error instanceof KmsBuildError && error.code === 'SOURCE_UNPARSABLE') return null
    throw error
  }
}

/** Finds the marks of compiled code, which may be TypeScript: Rolldown compiles it after all plugins. */
function compiledMarks(code: string, file: string, command: 'build' | 'serve') {
  try {
    return marksOf(code, `${file}.js`, command)
  } catch (error) {
    if (error instanceof KmsBuildError && error.code === 'SOURCE_UNPARSABLE')
      return marksOf(code, file, command)
    throw error
  }
}

const marksOf = (code: string, file: string, command: 'build' | 'serve') =>
  collectBySyntax(code, file, command)?.marks

/** Returns the literals that are commented out in compiled code, which may be TypeScript. */
function commentedIn(code: string, file: string, marks: Mark[]): CommentedLiteral[] {
  try {
    return commentedLiterals(code, `${file}.js`, marks)
  } catch {
    return commentedLiterals(code, file, marks)
  }
}

function placeInSource(mark: Mark, inSource: Mark[] | null, source: string, file: string): Mark {
  const index = mark.source === 'literal' ? placeholderIndex(mark.argument) : undefined
  const key = callKey(mark.source, mark.values)
  const same =
    index === undefined
      ? inSource?.find((one) => callKey(one.source, one.values) === key)
      : plaintextLiterals(inSource)[index]
  if (same) return { ...mark, place: same.place }
  const at = source.search(quoted(mark.argument))
  if (at === -1) return { ...mark, place: { ...mark.place, file } }
  const lines = source.slice(0, at).split('\n')
  return { ...mark, place: { file, line: lines.length, column: lines.at(-1)!.length + 1 } }
}

const quoted = (text: string) =>
  new RegExp(`["'\`]${text.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)}["'\`]`)

const unrewritten = ({ place }: Pick<Mark, 'place'>) =>
  new KmsBuildError(
    'MARK_UNTRANSFORMED',
    'this literal is a plaintext in a module that the plugin cannot rewrite: another plugin loads or compiles it, or the options exclude it. ' +
      'Seal it with npx unplugin-kms encrypt, or use secret.env or secret.named. Or put the plugin first in the array of plugins; see also the options include and exclude.',
    place,
  )
