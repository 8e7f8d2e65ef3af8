import { looksLikeToken } from '../../crypto/token.js'
import { collect } from '../collect/collect.js'
import type { Mark } from '../collect/mark.js'

const MASK = "'•••'"

export interface Redacted {
  /** The source with every plaintext literal shown as '•••', line for line. */
  text: string
  /** Where an offset of the original outside a literal stands in `text`. */
  at(offset: number): number
}

/** Masks plaintext literals, whatever their length, and keeps every line where it was. */
export function redact(code: string, marks: Mark[]): Redacted {
  let text = ''
  let from = 0
  const shifts: { after: number; by: number }[] = []
  for (const { source, argument, argumentStart, argumentEnd } of marks) {
    if (source !== 'literal' || looksLikeToken(argument)) continue
    const lines = code.slice(argumentStart, argumentEnd).replace(/[^\n]/g, '')
    text += code.slice(from, argumentStart) + MASK + lines
    from = argumentEnd
    shifts.push({ after: argumentEnd, by: text.length - argumentEnd })
  }
  text += code.slice(from)
  return {
    text,
    at: (offset) => offset + (shifts.findLast(({ after }) => offset >= after)?.by ?? 0),
  }
}

/** The redacted copy of a module's source, as source maps may show it. */
export function redactSource(code: string, file: string): string {
  const collected = collect(code, file)
  return collected ? redact(code, collected.marks).text : code
}
