import { collect } from '../collect/collect.js'
import { plaintextLiterals } from '../collect/literals.js'
import type { Collected, Span } from '../collect/mark.js'

const MASK = "'•••'"

export interface Redacted {
  /** The source with every plaintext literal shown as '•••', line for line. */
  text: string
  /** Where an offset of the original outside a literal stands in `text`. */
  at(offset: number): number
}

/** Returns what a span becomes, with the lines that it goes over. */
export const maskOf = (code: string, { start, end }: Span): string =>
  MASK + code.slice(start, end).replace(/[^\n]/g, '')

/** Masks plaintext literals, whatever their length, and keeps every line where it was. */
export function redact(code: string, { marks, commented = [] }: Collected): Redacted {
  const spans = [
    ...plaintextLiterals(marks).map((mark) => ({
      start: mark.argumentStart,
      end: mark.argumentEnd,
    })),
    ...commented.flatMap((literal) => literal.spans),
  ].sort((a, b) => a.start - b.start)
  let text = ''
  let from = 0
  const shifts: { after: number; by: number }[] = []
  for (const span of spans) {
    text += code.slice(from, span.start) + maskOf(code, span)
    from = span.end
    shifts.push({ after: span.end, by: text.length - span.end })
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
  return collected ? redact(code, collected).text : code
}
