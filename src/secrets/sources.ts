import { access, constants, open, readFile, rm } from 'node:fs/promises'
import { relative } from 'node:path'
import { KmsBuildError, type Place } from '../errors.js'
import { collect } from '../pipeline/collect/collect.js'
import { MARKER, type CommentedLiteral, type Mark } from '../pipeline/collect/mark.js'
import { textOf } from '../pipeline/resolve/plaintext.js'
import { replaceFile, targetOf, unwritable } from '../util/replace-file.js'
import { entersSources, walkFiles } from '../util/walk.js'

/** A module with marks whose argument is a literal. */
export interface MarkedSource {
  path: string
  code: string
  literals: Mark[]
  /** Plaintext literals in marks that are commented out. */
  commented: CommentedLiteral[]
}

/** Literals that were found or changed in one module. */
export interface ChangedSource {
  path: string
  places: Place[]
}

/** Returns the places of the literals. */
export const placesIn = (sources: MarkedSource[]): ChangedSource[] =>
  sources.map(({ path, literals }) => ({ path, places: literals.map(({ place }) => place) }))

/** A literal and its new value. */
export interface Replacement {
  mark: Mark
  value: string
}

const SOURCE = /(?<!\.d)\.[cm]?[jt]sx?$/

/**
 * Reads the modules under the paths that have literals, all of them before anything is changed.
 *
 * @throws KmsBuildError FILE_UNREADABLE, and what `collect` throws.
 */
export async function markedSources(paths: string[]): Promise<MarkedSource[]> {
  const sources = await modulesWithMarks(paths)
  return sources.flatMap(({ path, code, marks, commented }) => {
    const literals = marks.filter(({ source }) => source === 'literal')
    return literals.length || commented.length ? [{ path, code, literals, commented }] : []
  })
}

/** Returns all marks of the modules under the paths. @throws the errors of `markedSources`. */
export const marksIn = async (paths: string[]): Promise<Mark[]> =>
  (await modulesWithMarks(paths)).flatMap(({ marks }) => marks)

async function modulesWithMarks(paths: string[]) {
  const found: { path: string; code: string; marks: Mark[]; commented: CommentedLiteral[] }[] = []
  const seen = new Set<string>()
  for (const path of paths) {
    for await (const file of sourceFiles(path)) {
      if (seen.has(file)) continue
      seen.add(file)
      const code = await readText(file)
      if (!code?.includes(MARKER)) continue
      const { marks = [], commented = [] } = collect(code, relative('', file)) ?? {}
      found.push({ path: file, code, marks, commented })
    }
  }
  return found
}

/** Filters the literals of sources that are not commented out, and removes sources without literals. */
export function onlyLiterals(
  sources: MarkedSource[],
  wanted: (mark: Mark) => boolean,
): MarkedSource[] {
  return sources.flatMap(({ path, code, literals }) => {
    const left = literals.filter(wanted)
    return left.length ? [{ path, code, literals: left, commented: [] }] : []
  })
}

/** Yields a file that was named, and the source files of a folder. */
async function* sourceFiles(path: string): AsyncGenerator<string> {
  for await (const file of walkFiles(path, { enters: entersSources, onLink: () => {} }))
    if (file === path || SOURCE.test(file)) yield file
}

async function readText(path: string): Promise<string | undefined> {
  const bytes = await readFile(path)
  const text = textOf(bytes)
  if (text !== undefined || !bytes.includes(MARKER)) return text
  throw new KmsBuildError(
    'FILE_UNREADABLE',
    `${path} has marks but is not encoded in UTF-8. Save it as UTF-8.`,
  )
}

/** Returns the code of the modules with other values in their literals. Writes nothing. */
export const withLiterals = (
  sources: MarkedSource[],
  valueOf: (mark: Mark) => Promise<string>,
): Promise<{ source: MarkedSource; text: string }[]> =>
  Promise.all(
    sources.map(async (source) => {
      const replacements = source.literals.map(async (mark) => ({
        mark,
        value: await valueOf(mark),
      }))
      return { source, text: replaceLiterals(source, await Promise.all(replacements)) }
    }),
  )

/** Returns the code of a module with other values in its literals, in the same quotes. */
export function replaceLiterals({ code }: MarkedSource, replacements: Replacement[]): string {
  return replacements
    .toSorted((a, b) => b.mark.argumentStart - a.mark.argumentStart)
    .reduce((text, { mark: { argumentStart, argumentEnd }, value }) => {
      const quote = code[argumentStart]!
      return (
        text.slice(0, argumentStart) +
        quote +
        escape(value, quote) +
        quote +
        text.slice(argumentEnd)
      )
    }, code)
}

const NAMED: Record<string, string> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
}

function escape(value: string, quote: string): string {
  const escaped = value.replace(/[\\\p{Cc}\u2028\u2029\ufeff]/gu, (character) => {
    if (character === '\\') return '\\\\'
    return NAMED[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return escaped.replaceAll(quote, `\\${quote}`).replaceAll('${', quote === '`' ? '\\${' : '${')
}

/** Writes a module whose plaintext literals were replaced by tokens. */
export async function replaceSource(source: MarkedSource, text: string): Promise<void> {
  await refuseUnsafe(source)
  await replaceFile(source.path, text)
}

/**
 * Writes a module whose tokens were replaced by plaintexts. Writes in place, because a temporary file
 * that a crash leaves would contain plaintexts. Keeps the sealed original as `FILE.sealed` until the
 * write is complete.
 */
export async function overwriteSource(source: MarkedSource, text: string): Promise<void> {
  await refuseUnsafe(source)
  await targetOf(source.path, 'stay in folder')
  const original = `${source.path}.sealed`
  await replaceFile(original, source.code)
  try {
    const handle = await open(source.path, 'r+')
    try {
      await handle.truncate(0)
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw new KmsBuildError(
      'FILE_UNWRITABLE',
      `${source.path} could not be written completely (${(error as NodeJS.ErrnoException).code}). Its sealed original is ${original}: move it back.`,
      undefined,
      { cause: error },
    )
  }
  await rm(original)
}

async function refuseUnsafe({ path, code }: MarkedSource): Promise<void> {
  await access(path, constants.W_OK).catch((error) => {
    throw unwritable(path, error)
  })
  if ((await readText(path)) === code) return
  throw new KmsBuildError(
    'FILE_CHANGED',
    `${path} was changed by another program during the command, and was not written. Run the command again.`,
  )
}
