import { looksLikeToken } from '../../crypto/token.js'
import type { Mark } from './mark.js'

/** Returns the marks with a plaintext literal. */
export const plaintextLiterals = (marks: Mark[] | null | undefined): Mark[] =>
  marks?.filter(({ source, argument }) => source === 'literal' && !looksLikeToken(argument)) ?? []

const PLACEHOLDER = 'unplugin-kms:literal:'

/** Returns the placeholder of a plaintext literal for the compilation of its module. */
export const placeholder = (index: number): string => PLACEHOLDER + String(index)

/** Returns the index of the plaintext literal of a placeholder. */
export function placeholderIndex(text: string): number | undefined {
  const digits = text.startsWith(PLACEHOLDER) ? text.slice(PLACEHOLDER.length) : ''
  return /^\d+$/.test(digits) ? Number(digits) : undefined
}
