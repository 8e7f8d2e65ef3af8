import { looksLikeToken } from '../../crypto/token.js'
import type { Mark } from './mark.js'

/** Returns the marks that show a secret in the source. */
export const plaintextLiterals = (marks: Mark[] | null | undefined): Mark[] =>
  marks?.filter(({ source, argument }) => source === 'literal' && !looksLikeToken(argument)) ?? []
