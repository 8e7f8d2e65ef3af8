import type { StringLiteral } from '@babel/types'
import type { Place } from '../../errors.js'
import { isSource, readArguments } from './forms.js'
import { MARKER, type Collected, type Mark } from './mark.js'
import { readTokens, type Placed, type Tokens } from './tokens.js'

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
  const imported = importIn(tokens, code.lastIndexOf(MARKER))
  if (!imported) return null
  const { local, first, last } = imported
  const spots = new Set<number>()
  const marks: Mark[] = []
  // Behind the last mention nothing is left to be known.
  const until = code.lastIndexOf(local)
  for (let index = 0, token; (token = tokens.at(index)) && token.start <= until; index++) {
    if (token.value !== local) continue
    spots.add(token.start)
    const before = tokens.valueAt(index - 1)
    if ((index >= first && index <= last) || /^\??\.$/.test(before)) continue
    const mark = /^(?:new|@)$/.test(before) ? null : markAt(tokens, index, file, code)
    if (!mark) return null
    marks.push(mark)
  }
  if (tokens.areDoubtful()) return null
  // What looks like a mark inside a string or comment is most likely none; but a token misread would hide one there.
  for (const { index } of code.matchAll(new RegExp(`\\b${local}\\s*(?:\\(|\\.\\w)`, 'g')))
    if (!spots.has(index)) return null
  return { marks, imports: [{ start: tokens.at(first)!.start, end: tokens.at(last)!.end }] }
}

/**
 * The one import of the marker, from its first token to its last, and the name that it gives.
 *
 * @param until where the module mentions the marker for the last time.
 */
function importIn(
  tokens: Tokens,
  until: number,
): { local: string; first: number; last: number } | null {
  let [first, source] = [-1, -1]
  for (let index = 0, token; (token = tokens.at(index)) && token.start <= until; index++) {
    const mentions = token.value.includes(MARKER)
    if (mentions && source !== -1) return null
    if (mentions) source = index
    if (token.value === 'import' && source === -1) first = index
  }
  if (first === -1 || source === -1) return null
  const words = Array.from({ length: source + 1 - first }, (_, at) => tokens.valueAt(first + at))
  const statement = IMPORT.exec(words.join(' '))
  if (!statement || !isStatement(tokens, first)) return null
  const [, local = 'secret'] = statement
  const after = tokens.at(source + 1)
  if (after?.value === ';') return { local, first, last: source + 1 }
  const ends = !after || (after.leads && !/^(?:with|assert)$/.test(after.value))
  return ends ? { local, first, last: source } : null
}

const IMPORT =
  /^import \{ secret (?:as ([A-Za-z_]\w*) )?(?:, )?\} from ['"]unplugin-kms\/secret['"]$/

/** Whether a token begins a statement of the module itself, in no block of it. */
function isStatement(tokens: Tokens, index: number): boolean {
  let depth = 0
  for (let before = 0; before < index; before++) {
    const { type, value } = tokens.at(before)!
    if (type !== 'Punctuator' && !type.startsWith('Template')) continue
    if (/^[)\]}]/.test(value)) depth--
    if (/[([{]$/.test(value)) depth++
  }
  return !depth && (tokens.at(index)!.leads || tokens.valueAt(index - 1) === ';')
}

/** The mark whose local name stands at an index, if it is a call with plain texts. */
function markAt(tokens: Tokens, index: number, file: string, code: string): Mark | null {
  const { valueAt } = tokens
  const property = valueAt(index + 1) === '.' ? valueAt(index + 2) : undefined
  const source = property ?? 'literal'
  const open = index + (property === undefined ? 1 : 3)
  if (valueAt(open) !== '(' || !isSource(source) || property === 'literal') return null

  const texts: StringLiteral[] = []
  let close = open
  do {
    const text = plainText(tokens.at(close + 1))
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
  const { start } = tokens.at(index)!
  const place = placeAt(code, start, file)
  return {
    ...readArguments(source, texts, place),
    source,
    sync: false,
    pure: !used,
    start,
    end: tokens.at(close)!.end,
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
