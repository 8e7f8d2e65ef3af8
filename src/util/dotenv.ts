import { isUtf8 } from 'node:buffer'
import { createRequire } from 'node:module'
import { KmsBuildError } from '../errors.js'
import { readGivenFile } from './given-file.js'
import { isUtf16 } from './utf16.js'

const require = createRequire(import.meta.url)

/** Parses dotenv text with the dotenv package, which is loaded at the first call. */
export const parseWithDotenv = (text: string): Record<string, string> =>
  (require('dotenv') as typeof import('dotenv')).parse(text)

export interface DotenvFile {
  /** The file's content. */
  bytes: Buffer
  values: Map<string, string>
  /** Names without a value, which are left out. */
  empty: string[]
  /** Names whose value tools read differently, with the error to throw where one is used. */
  ambiguous: Map<string, KmsBuildError>
  /** Anything else in the file that `values` lacks. */
  warnings: string[]
}

interface Assignment {
  name: string
  value: string
  line: number
  /** Line breaks inside the quotes. */
  breaks: number
  /** Why the value is ambiguous. */
  problem?: string
}

const BLANK = /[^\S\n]*(?:#[^\n]*)?(?:\n|$)/y
const NAME = /[^\S\n]*(?:export[^\S\n]+)?([\w.-]+)(?:[^\S\n]*=|:(?=[^\S\n]))/y
const QUOTED = /[ \t]*(['"`])((?:(?!\1)[^])*)\1[ \t]*(?:[ \t]#[^\n]*)?(?=\n|$)/y
const LINE = /[^\n]*/y

/**
 * Reads a dotenv file by the rules of the dotenv package, for every command and bundler. A value
 * about which tools disagree is in `ambiguous`, not in `values`: a wrong secret would be sealed.
 *
 * @throws KmsBuildError FILE_UNREADABLE.
 */
export async function readDotenv(path: string): Promise<DotenvFile> {
  const bytes = await readGivenFile(path)
  if (isUtf16(bytes) || !isUtf8(bytes))
    throw new KmsBuildError(
      'FILE_UNREADABLE',
      `${path} is ${isUtf16(bytes) ? 'UTF-16 text' : 'not UTF-8 text'}. Save it as UTF-8.`,
    )
  return { bytes, ...parseDotenv(bytes.toString().replace(/^\ufeff/, ''), path) }
}

/** Returns the values of these names, or of all. @throws KmsBuildError DOTENV_AMBIGUOUS. */
export function unambiguousValues(
  { values, ambiguous }: DotenvFile,
  names?: string[],
): Map<string, string> {
  for (const [name, error] of ambiguous) if (!names?.length || names.includes(name)) throw error
  return names?.length ? new Map([...values].filter(([name]) => names.includes(name))) : values
}

function parseDotenv(text: string, path: string): Omit<DotenvFile, 'bytes'> {
  const { assignments, otherLines } = statements(text)
  const parsed = parseWithDotenv(text)
  const last = new Map(assignments.map((assignment) => [assignment.name, assignment]))
  const file: Omit<DotenvFile, 'bytes'> = {
    values: new Map(),
    empty: [],
    ambiguous: new Map(),
    warnings: [],
  }
  for (const name of new Set([...last.keys(), ...Object.keys(parsed)])) {
    const own = last.get(name)
    const value = Object.hasOwn(parsed, name) ? parsed[name] : undefined
    const problem =
      own?.problem ??
      (own?.value === value
        ? undefined
        : 'has a value that tools read differently: write it in single quotes.')
    if (problem !== undefined)
      file.ambiguous.set(
        name,
        new KmsBuildError(
          'DOTENV_AMBIGUOUS',
          `${name} in ${path} ${problem}${own ? ` (line ${own.line})` : ''}`,
        ),
      )
    else if (value === '') file.empty.push(name)
    else file.values.set(name, value!)
    const times = assignments.filter((assignment) => assignment.name === name)
    if (new Set(times.map((one) => one.value)).size > 1)
      file.warnings.push(
        `${name} occurs ${times.length} times in ${path}: only the last value is used.`,
      )
  }
  if (otherLines.length)
    file.warnings.push(
      `${path}:${otherLines[0]}: not of the form NAME=value, and left out${otherLines.length > 1 ? `; so are ${otherLines.length - 1} more` : ''}.`,
    )
  return file
}

/** Splits a dotenv file into assignments, and the lines that are neither one nor a comment. */
function statements(text: string): { assignments: Assignment[]; otherLines: number[] } {
  const assignments: Assignment[] = []
  const otherLines: number[] = []
  const source = text.replaceAll('\r\n', '\n')
  let at = 0
  let line = 1
  /** The assignment that ended on the line before. */
  let previous: Assignment | undefined
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at
    const match = pattern.exec(source)
    if (match) at = pattern.lastIndex
    return match
  }
  while (at < source.length) {
    const start = at
    if (take(BLANK)) previous = undefined
    else {
      const name = take(NAME)?.[1]
      if (name === undefined) {
        take(LINE)
        otherLines.push(line)
        if (previous) previous.problem ??= CONTINUED
      } else {
        const quoted = take(QUOTED)
        previous = { name, line, ...(quoted ? inQuotes(quoted) : bare(take(LINE)![0])) }
        assignments.push(previous)
      }
      at++
    }
    line += source.slice(start, at).split('\n').length - 1
  }
  checkLineBreaks(text, assignments)
  return { assignments, otherLines }
}

const CONTINUED =
  'continues on the next line, but has no quotes. Write the complete value in double quotes.'

/** CRLF inside quotes is read as LF. That is correct only if the complete file has CRLF. */
function checkLineBreaks(text: string, assignments: Assignment[]): void {
  if (!text.includes('\r\n')) return
  const breaksIn = (source: string) => source.split('\n').length - 1
  const inside = assignments.reduce((sum, { breaks }) => sum + breaks, 0)
  if (!/(?<!\r)\n/.test(text) && breaksIn(text) > inside) return
  for (const assignment of assignments)
    if (assignment.breaks)
      assignment.problem ??=
        'has line breaks of several kinds, which dotenv does not keep. Write them as \\r and \\n in double quotes.'
}

function inQuotes([, quote, content = '']: RegExpExecArray) {
  const breaks = content.split('\n').length - 1
  if (quote !== '"') return { value: content, breaks }
  return {
    value: content.replaceAll('\\n', '\n').replaceAll('\\r', '\r'),
    breaks,
    ...(/\\(?:[\\"$`tbf]|u[\da-f]{4})/i.test(content) && {
      problem:
        'has a backslash escape that tools read differently. Write the value in single quotes, without escapes.',
    }),
  }
}

function bare(rest: string): Pick<Assignment, 'value' | 'breaks' | 'problem'> {
  const value = rest.replace(/[ \t]#.*$/s, '').replace(/^[ \t]+|[ \t]+$/g, '')
  const problem = value.includes('#')
    ? CUT
    : /^['"`]/.test(value)
      ? 'begins with a quote that does not end the value. Quote the complete value.'
      : value.startsWith('-----BEGIN ') && !value.includes('-----END ')
        ? CONTINUED
        : undefined
  return { value, breaks: 0, ...(problem !== undefined && { problem }) }
}

const CUT =
  'is cut at its "#" by dotenv, since it has no quotes. If the "#" belongs to the value, quote the value; if it begins a comment, put a space before it.'

/** Returns a line of a dotenv file that every tool reads as this value; undefined if there is none. */
export function dotenvLine(name: string, value: string): string | undefined {
  const escaped = value.replaceAll('\n', '\\n').replaceAll('\r', '\\r')
  const written = [`'${value}'`, `"${escaped}"`, `\`${value}\``]
  return written
    .map((quoted) => `${name}=${quoted}`)
    .find((line) => {
      const { values, warnings } = parseDotenv(`${line}\n`, '')
      return !warnings.length && values.size === 1 && values.get(name) === value
    })
}
