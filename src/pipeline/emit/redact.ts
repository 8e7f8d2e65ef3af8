import { collect } from '../collect/collect.js'
import { plaintextLiterals } from '../collect/literals.js'
import type { CollectedMarks, Span } from '../collect/mark.js'

const MASK = "'•••'"

export interface RedactedSource {
  /** The source with '•••' for every plaintext literal. Lines keep their numbers. */
  text: string
  /** Converts an offset of the original, outside of literals, to an offset in `text`. */
  at(offset: number): number
}

/** Returns the replacement of a span, with the same number of line breaks. */
export const maskOf = (code: string, { start, end }: Span): string =>
  MASK + code.slice(start, end).replace(/[^\n]/g, '')

/** Masks plaintext literals, independent of their length. Lines keep their numbers. */
export function redact(code: string, { marks, commented = [] }: CollectedMarks): RedactedSource {
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

/** Returns the redacted source of a module, for source maps. */
export function redactSource(code: string, file: string): string {
  const collected = collect(code, file)
  return collected ? redact(code, collected).text : code
}
