import type { StringLiteral } from '@babel/types'
import type { Place } from '../../errors.js'
import { isSource, readArguments } from './forms.js'
import { MARKER, type CollectedMarks, type Mark } from './mark.js'
import { readTokens, type PlacedToken, type Tokens } from './tokens.js'

/**
 * Finds the marks of a module by its tokens, which is much faster than parsing. Supports only plain code:
 * one `import { secret }`, and every token with its local name is either a call with string arguments,
 * which is a mark, or a property after a dot, which is not. A declaration of the same name would be a
 * third kind of token, so scopes need not be resolved.
 *
 * @returns null if the code is ambiguous. The caller then parses the module.
 * @throws KmsBuildError FORMAT_UNKNOWN, ARGUMENT_NOT_STATIC.
 */
export function collectByTokens(code: string, file: string): CollectedMarks | null {
  // Leave JSX to the parser, whose text is not tokenized, and `\u` escapes, which may spell identifiers.
  if (/<\s*\/|\/\s*>|\\u/.test(code)) return null
  const tokens = readTokens(code)
  const imported = importIn(tokens, code.lastIndexOf(MARKER))
  if (!imported) return null
  const { local, first, last } = imported
  const spots = new Set<number>()
  const marks: Mark[] = []
  // Tokens after the last mention of the name do not matter.
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
  if (tokens.isAmbiguous()) return null
  // A mention in a string or comment is usually not a mark, but a misread token could hide one.
  for (const { index } of code.matchAll(new RegExp(`\\b${local}\\s*(?:\\(|\\.\\w)`, 'g')))
    if (!spots.has(index)) return null
  return { marks, imports: [{ start: tokens.at(first)!.start, end: tokens.at(last)!.end }] }
}

/**
 * Finds the import of `unplugin-kms/secret`, of which a module may have only one here.
 *
 * @param until the offset of the last occurrence of that specifier in the module.
 * @returns the local name of `secret`, and the indexes of the import's first and last token; null if
 *   the import is not of the form `import { secret } from '…'`.
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
  const ends = !after || (after.isFirstInLine && !/^(?:with|assert)$/.test(after.value))
  return ends ? { local, first, last: source } : null
}

const IMPORT =
  /^import \{ secret (?:as ([A-Za-z_]\w*) )?(?:, )?\} from ['"]unplugin-kms\/secret['"]$/

/** Returns whether a token starts a top-level statement of the module. */
function isStatement(tokens: Tokens, index: number): boolean {
  let depth = 0
  for (let before = 0; before < index; before++) {
    const { type, value } = tokens.at(before)!
    if (type !== 'Punctuator' && !type.startsWith('Template')) continue
    if (/^[)\]}]/.test(value)) depth--
    if (/[([{]$/.test(value)) depth++
  }
  return !depth && (tokens.at(index)!.isFirstInLine || tokens.valueAt(index - 1) === ';')
}

/**
 * Reads a mark: a call of `secret` or of one of its methods.
 *
 * @param index that of the token `secret`, or its local name.
 * @returns null if only a parser can read the call.
 */
function markAt(tokens: Tokens, index: number, file: string, code: string): Mark | null {
  const { valueAt } = tokens
  const property = valueAt(index + 1) === '.' ? valueAt(index + 2) : undefined
  const source = property ?? 'literal'
  const open = index + (property === undefined ? 1 : 3)
  if (valueAt(open) !== '(' || !isSource(source) || property === 'literal') return null

  const texts: StringLiteral[] = []
  let close = open
  do {
    const text = plainString(tokens.at(close + 1))
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
  // The tokens cannot tell `(secret('x')).then()` from `f(secret('x')).then()`, nor whether `!` asserts
  // or starts the next statement.
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

/** Returns a token as a string literal, if it has no escapes, expressions or carriage returns. */
const plainString = (token: PlacedToken | undefined) =>
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
