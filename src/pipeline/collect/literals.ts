import { looksLikeToken } from '../../crypto/token.js'
import type { Mark } from './mark.js'

/** Returns the marks that show a secret in the source. */
export const plaintextLiterals = (marks: Mark[] | null | undefined): Mark[] =>
  marks?.filter(({ source, argument }) => source === 'literal' && !looksLikeToken(argument)) ?? []

const PLACEHOLDER = 'unplugin-kms:literal:'

/** Returns the string that stands for a plaintext literal while its module is compiled. */
export const placeholder = (index: number): string => PLACEHOLDER + String(index)

/** Returns the number of the plaintext literal that a placeholder is for. */
export function placeholderIndex(text: string): number | undefined {
  const digits = text.startsWith(PLACEHOLDER) ? text.slice(PLACEHOLDER.length) : ''
  return /^\d+$/.test(digits) ? Number(digits) : undefined
}
