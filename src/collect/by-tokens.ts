import type { StringLiteral } from '@babel/types'
import jsTokens, { type Token } from 'js-tokens'
import type { Place } from '../errors.js'
import { MARKER, type Collected, type Mark } from './collected.js'
import { isSource, readArguments } from './forms.js'

/**
 * Finds the marks of a module by its tokens alone, which costs a fraction of a parse and loads no
 * parser. It serves the plain case only: one `import { secret }`, and each token of its local name
 * either a call with plain texts, which is a mark, or a property behind a dot, which is none. Whatever
 * declared the name anew would be a third kind of token, so no scope needs to be known.
 *
 * @returns null in any doubt: the syntax tree decides then, and knows what to refuse.
 * @throws KmsBuildError FORMAT_UNKNOWN, ARGUMENT_NOT_STATIC.
 */
export function collectByTokens(code: string, file: string): Collected | null {
  // JSX, whose every element is closed, has texts that are no tokens; an escape can write a name in other letters.
  if (/<\s*\/|\/\s*>|\\u/.test(code)) return null
  const tokens = readTokens(code)
  const imported = tokens && importIn(tokens)
  if (!imported) return null
  const { local, first, last } = imported
  const spots = new Set<number>()
  const marks: Mark[] = []
  for (let index = 0; index < tokens.length; index++) {
    if (tokens[index]!.value !== local) continue
    spots.add(tokens[index]!.start)
    const before = tokens[index - 1]?.value ?? ''
    if ((index >= first && index <= last) || /^\??\.$/.test(before)) continue
    const mark = /^(?:new|@)$/.test(before) ? null : markAt(tokens, index, file, code)
    if (!mark) return null
    marks.push(mark)
  }
  // What looks like a mark inside a string or comment is most likely none; but a token misread would hide one there.
  for (const { index } of code.matchAll(new RegExp(`\\b${local}\\s*(?:\\(|\\.\\w)`, 'g')))
    if (!spots.has(index)) return null
  return { marks, imports: [{ start: tokens[first]!.start, end: tokens[last]!.end }] }
}

/** Neither space nor comment. */
interface Placed {
  type: Token['type']
  value: string
  start: number
  end: number
  /** Whether it begins a line. */
  leads: boolean
}

/** Null where a token has no end, or where only the syntax tells whether a slash divides or begins a pattern. */
function readTokens(code: string): Placed[] | null {
  const tokens: Placed[] = []
  let end = 0
  let leads = true
  let before = ''
  for (const token of jsTokens(code)) {
    const { type, value } = token
    const start = end
    end += value.length
    if (type === 'Invalid' || ('closed' in token && !token.closed)) return null
    if (type === 'LineTerminatorSequence') leads = true
    if (SILENT.has(type)) continue
    if (value.startsWith('/') && /^(?:[)}!]|\+\+|--)$/.test(before)) return null
    tokens.push({ type, value, start, end, leads })
    leads = false
    before = value
  }
  return tokens
}

const SILENT = new Set<Token['type']>([
  'WhiteSpace',
  'LineTerminatorSequence',
  'HashbangComment',
  'SingleLineComment',
  'MultiLineComment',
])

/** The one import of the marker, from its first token to its last, and the name that it gives. */
function importIn(tokens: Placed[]): { local: string; first: number; last: number } | null {
  const source = tokens.findIndex(({ value }) => value.includes(MARKER))
  const others = tokens.some(({ value }, index) => index > source && value.includes(MARKER))
  const first = tokens.findLastIndex(({ value }, index) => index < source && value === 'import')
  const words = tokens.slice(first, source + 1).map(({ value }) => value)
  const statement = IMPORT.exec(words.join(' '))
  if (!statement || others || !isStatement(tokens, first)) return null
  const [, local = 'secret'] = statement
  const after = tokens[source + 1]
  if (after?.value === ';') return { local, first, last: source + 1 }
  const ends = !after || (after.leads && !/^(?:with|assert)$/.test(after.value))
  return ends ? { local, first, last: source } : null
}

const IMPORT =
  /^import \{ secret (?:as ([A-Za-z_]\w*) )?(?:, )?\} from ['"]unplugin-kms\/secret['"]$/

/** Whether a token begins a statement of the module itself, in no block of it. */
function isStatement(tokens: Placed[], index: number): boolean {
  let depth = 0
  for (const { type, value } of tokens.slice(0, index)) {
    if (type !== 'Punctuator' && !type.startsWith('Template')) continue
    if (/^[)\]}]/.test(value)) depth--
    if (/[([{]$/.test(value)) depth++
  }
  return !depth && (tokens[index]!.leads || tokens[index - 1]!.value === ';')
}

/** The mark whose local name stands at an index, if it is a call with plain texts. */
function markAt(tokens: Placed[], index: number, file: string, code: string): Mark | null {
  const valueAt = (at: number) => tokens[at]?.value ?? ''
  const property = valueAt(index + 1) === '.' ? valueAt(index + 2) : undefined
  const source = property ?? 'literal'
  const open = index + (property === undefined ? 1 : 3)
  if (valueAt(open) !== '(' || !isSource(source) || property === 'literal') return null

  const texts: StringLiteral[] = []
  let close = open
  do {
    const text = plainText(tokens[close + 1])
    if (!text) return null
    texts.push(text)
    close += 2
  } while (valueAt(close) === ',')
  if (valueAt(close) !== ')') return null

  let [before, after] = [index - 1, close + 1]
  while (valueAt(before) === '(' && valueAt(after) === ')') {
    before--
    after++
  }
  const used = /^(?:\??\.|[([])$|^`/.test(valueAt(after))
  // Behind parentheses the use may be of the mark or of a call that takes it; a `!` asserts, or begins a statement.
  if ((used && after > close + 1) || valueAt(after) === '!') return null
  const place = placeAt(code, tokens[index]!.start, file)
  return {
    ...readArguments(source, texts, place),
    source,
    sync: false,
    pure: !used,
    start: tokens[index]!.start,
    end: tokens[close]!.end,
    argumentStart: texts[0]!.start!,
    argumentEnd: texts[0]!.end!,
    place,
  }
}

/** A text that says what its letters say: without an escape, an expression or a line break to be read. */
const plainText = (token: Placed | undefined) =>
  token &&
  /^(?:StringLiteral|NoSubstitutionTemplate)$/.test(token.type) &&
  !/[\\\r]/.test(token.value)
    ? ({
        type: 'StringLiteral',
        value: token.value.slice(1, -1),
        start: token.start,
        end: token.end,
      } as StringLiteral)
    : null

function placeAt(code: string, offset: number, file: string): Place {
  const lines = code.slice(0, offset).split(/\r\n|[\n\r\u2028\u2029]/)
  return { file, line: lines.length, column: lines.at(-1)!.length + 1 }
}
