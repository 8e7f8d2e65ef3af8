import jsTokens, { type Token } from 'js-tokens'

/** A token that is neither white space nor a comment, with its offsets. */
export interface PlacedToken {
  type: Token['type']
  value: string
  start: number
  end: number
  /** Whether it is the first token of its line. */
  isFirstInLine: boolean
}

export type Tokens = ReturnType<typeof readTokens>

/** Reads the tokens of a module on demand, because marks are mostly at its beginning. */
export function readTokens(code: string) {
  const source = jsTokens(code)[Symbol.iterator]()
  const tokens: PlacedToken[] = []
  let isAmbiguous = false
  let end = 0
  let isFirstInLine = true

  function readNext(): boolean {
    const next = isAmbiguous ? undefined : source.next()
    if (!next || next.done) return false
    const { type, value } = next.value
    const start = end
    end += value.length
    if (type === 'LineTerminatorSequence') isFirstInLine = true
    const isSilent = SILENT.has(type)
    isAmbiguous =
      type === 'Invalid' ||
      ('closed' in next.value && !next.value.closed) ||
      (!isSilent && value.startsWith('/') && isAmbiguousSlash(type, tokens.at(-1)))
    if (isSilent || isAmbiguous) return true
    tokens.push({ type, value, start, end, isFirstInLine })
    isFirstInLine = false
    return true
  }

  /** @returns undefined after the last token, and from the first ambiguous token on. */
  function at(index: number): PlacedToken | undefined {
    while (index >= tokens.length && readNext());
    return tokens[index]
  }

  return {
    at,
    valueAt: (index: number) => at(index)?.value ?? '',
    /** Returns whether reading stopped at a token without an end, or at an ambiguous slash. */
    isAmbiguous: () => isAmbiguous,
  }
}

/** Tokens after which a slash always starts a regular expression. */
const BEFORE_REGEXP = new Set(['(', ',', '=', ':', '[', '&&', '||', '??', '?', ';', '=>', '{'])
/** Words after which a slash may be a division or the start of a regular expression. */
const BEFORE_EITHER =
  /^(?:of|in|as|is|do|new|case|else|void|const|await|yield|throw|infer|keyof|return|typeof|delete|default|extends|asserts|readonly|satisfies|instanceof)$/

/**
 * Returns whether only a parser can tell if a slash divides or starts a regular expression. After `>`, for
 * example, it divides if the `>` closes type arguments, and starts a regular expression if the `>`
 * compares.
 */
function isAmbiguousSlash(type: Token['type'], before: PlacedToken | undefined): boolean {
  if (!before) return false
  if (type === 'RegularExpressionLiteral') return !BEFORE_REGEXP.has(before.value)
  // After an import without a semicolon, the next statement may start with a regular expression.
  if (before.type === 'StringLiteral') return true
  return before.type === 'IdentifierName'
    ? BEFORE_EITHER.test(before.value)
    : before.type === 'Punctuator' && before.value !== ']'
}

const SILENT = new Set<Token['type']>([
  'WhiteSpace',
  'LineTerminatorSequence',
  'HashbangComment',
  'SingleLineComment',
  'MultiLineComment',
])
