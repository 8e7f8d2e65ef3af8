import jsTokens, { type Token } from 'js-tokens'

/** A token that is neither space nor comment. */
export interface Placed {
  type: Token['type']
  value: string
  start: number
  end: number
  /** Whether it begins a line. */
  leads: boolean
}

export type Tokens = ReturnType<typeof readTokens>

/**
 * The tokens of a module, each read when it is first asked for: marks mostly stand at its beginning.
 */
export function readTokens(code: string) {
  const source = jsTokens(code)[Symbol.iterator]()
  const tokens: Placed[] = []
  let areDoubtful = false
  let end = 0
  let leads = true

  function readOn(): boolean {
    const next = areDoubtful ? undefined : source.next()
    if (!next || next.done) return false
    const { type, value } = next.value
    const start = end
    end += value.length
    if (type === 'LineTerminatorSequence') leads = true
    const isSilent = SILENT.has(type)
    areDoubtful =
      type === 'Invalid' ||
      ('closed' in next.value && !next.value.closed) ||
      (!isSilent && value.startsWith('/') && isDoubtfulSlash(type, tokens.at(-1)))
    if (isSilent || areDoubtful) return true
    tokens.push({ type, value, start, end, leads })
    leads = false
    return true
  }

  /** @returns undefined behind the last, and from the first in doubt on. */
  function at(index: number): Placed | undefined {
    while (index >= tokens.length && readOn());
    return tokens[index]
  }

  return {
    at,
    valueAt: (index: number) => at(index)?.value ?? '',
    /** Whether one that was asked for has no end, or only the syntax tells whether it divides or begins a pattern. */
    areDoubtful: () => areDoubtful,
  }
}

/** Tokens after which a slash begins a regular expression, whatever is before them. */
const BEFORE_PATTERN = new Set(['(', ',', '=', ':', '[', '&&', '||', '??', '?', ';', '=>', '{'])
/** Words after which a slash may divide or begin a regular expression. */
const BEFORE_EITHER =
  /^(?:of|in|as|is|do|new|case|else|void|const|await|yield|throw|infer|keyof|return|typeof|delete|default|extends|asserts|readonly|satisfies|instanceof)$/

/**
 * Returns whether only the syntax can tell if a slash divides or begins a regular expression. After a
 * type's `>` it divides, and after an operator's it does not.
 */
function isDoubtfulSlash(type: Token['type'], before: Placed | undefined): boolean {
  if (!before) return false
  if (type === 'RegularExpressionLiteral') return !BEFORE_PATTERN.has(before.value)
  // After the string of an import a regular expression may begin the next statement.
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
