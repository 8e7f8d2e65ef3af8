import type { Comment } from '@babel/types'
import { looksLikeToken } from '../../crypto/token.js'
import type { Place } from '../../errors.js'
import { parse } from '../../syntax/parse.js'
import { staticText } from '../../syntax/static-value.js'
import type { CommentedLiteral, Mark, Span } from './mark.js'

/** An import of the marker, also if it is commented out. */
const IMPORT = /import\s*(?:\{([^}]*)\}|\*\s*as\s+([\w$]+))\s*from\s*["']unplugin-kms\/secret/g
const ALIAS = /\bsecret\s+as\s+([\w$]+)/
const TYPE_ARGUMENT = String.raw`(?:<[^<>()]*>\s*)?`
const CLOSED = /(["'`])(?:\\[\s\S]|(?!\1)[^\\\0])*\1/y
const UNCLOSED = /["'`][^\n\0]*/y
const KEPT = /^!|@license|@preserve/
const END = /\s*[,)]/y
const SPACE = /\s*/y
const PLUS = /\s*\+\s*(?=["'`])/y

/**
 * Finds plaintext literals in marks that are commented out, `// secret('old value')`, also in a block
 * comment and in one that also contains the import.
 *
 * @param marks the module's other marks.
 * @throws KmsBuildError SOURCE_UNPARSABLE.
 */
export function commentedLiterals(code: string, file: string, marks: Mark[]): CommentedLiteral[] {
  const call = new RegExp(callOf(code), 'g')
  const isMark = (at: number) => marks.some(({ start, end }) => start <= at && at < end)
  // Most modules have no such comment and are not parsed.
  if (!/\/[/*]/.test(code) || ![...code.matchAll(call)].some(({ index }) => !isMark(index)))
    return []
  const comments = parse(code, file).comments ?? []
  const text = commentText(code, comments)
  return [...text.matchAll(call)].flatMap((match) => {
    const spans = stringsAt(text, endOf(SPACE, text, match.index + match[0].length)!)
    const argument = argumentOf(text, spans)
    // `'…'` in documentation is not a value.
    if (
      !spans.length ||
      !spans.some(({ start, end }) => /[\p{L}\p{N}]/u.test(code.slice(start, end)))
    )
      return []
    if (argument !== undefined && looksLikeToken(argument)) return []
    return {
      place: placeAt(code, match.index, file),
      spans: spans.flatMap((span) => withinComments(span, comments)),
      isKept: comments.some(
        ({ start, end, value }) => KEPT.test(value) && start! <= match.index && match.index < end!,
      ),
      ...(argument !== undefined && spans.length === 1 && { argument }),
    }
  })
}

/** Returns a pattern for a call of the mark up to its parenthesis. */
function callOf(code: string): string {
  const names = new Set(['secret'])
  for (const [, specifiers = '', namespace] of code.matchAll(IMPORT)) {
    const alias = namespace ? `${namespace}.secret` : ALIAS.exec(specifiers)?.[1]
    if (alias) names.add(alias)
  }
  const alternatives = [...names].map((name) =>
    name.replaceAll('$', String.raw`\$`).replace('.', String.raw`\s*\.\s*`),
  )
  return String.raw`(?<![\w$.])(?:${alternatives.join('|')})\s*${TYPE_ARGUMENT}\(`
}

/** Returns the text of the comments at their offsets, with white space instead of `//`, `/*` and `*`. */
function commentText(code: string, comments: Comment[]): string {
  const blank = (text: string) => text.replace(/\S/g, '\0')
  let [text, end] = ['', 0]
  for (const comment of comments) {
    const { type, value } = comment
    const inner = type === 'CommentBlock' ? value.replace(/^([ \t]*)\*/gm, '$1 ') : value
    text += blank(code.slice(end, comment.start)) + `  ${inner}`
    end = comment.end!
    text = text.padEnd(end, ' ')
  }
  return text + blank(code.slice(end))
}

/** Returns the strings of a sum, or a string without an end. */
function stringsAt(text: string, start: number): Span[] {
  const spans: Span[] = []
  for (let at = start; ;) {
    const end = endOf(CLOSED, text, at) ?? endOf(UNCLOSED, text, at)
    if (end === undefined) return spans
    spans.push({ start: at, end })
    const next = endOf(PLUS, text, end)
    if (next === undefined) return spans
    at = next
  }
}

function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : undefined
}

function argumentOf(text: string, spans: Span[]): string | undefined {
  const [first, last] = [spans[0], spans.at(-1)]
  if (!first || !last || endOf(END, text, last.end) === undefined) return undefined
  try {
    const [statement] = parse(`(${text.slice(first.start, last.end)})`, 'comment.js').program.body
    return statement?.type === 'ExpressionStatement' ? staticText(statement.expression) : undefined
  } catch {
    return undefined
  }
}

/** Splits a string that spans several line comments, so that `//` is not part of it. */
function withinComments(span: Span, comments: Comment[]): Span[] {
  return comments.flatMap(({ start, end }) => {
    const part = { start: Math.max(span.start, start! + 2), end: Math.min(span.end, end!) }
    return part.start < part.end ? [part] : []
  })
}

function placeAt(code: string, offset: number, file: string): Place {
  const lines = code.slice(0, offset).split('\n')
  return { file, line: lines.length, column: lines.at(-1)!.length + 1 }
}
