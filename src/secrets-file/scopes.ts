import type { Token } from '../crypto/token.js'
import { DEFAULT_SCOPE } from './names.js'
import type { ScopedPair, SecretsFile } from './parse.js'

/** Returns the pair that a scope seals to. */
export function currentPair({ current }: SecretsFile, scope = DEFAULT_SCOPE): ScopedPair {
  return current.get(scope)!
}

/** Returns the pair that a token of the file is sealed to. The parser checked that it exists. */
export const pairOf = ({ pairs }: Pick<SecretsFile, 'pairs'>, { fingerprint }: Token): ScopedPair =>
  pairs.get(fingerprint)!

/** Checks whether a pair is an earlier one of its scope, which nothing is sealed to any more. */
export const isStale = ({ current }: SecretsFile, { scope, fingerprint }: ScopedPair): boolean =>
  current.get(scope)?.fingerprint !== fingerprint

/** Adds a pair that its scope seals to from now on. */
export function makeCurrent({ current, pairs }: SecretsFile, pair: ScopedPair): void {
  pairs.set(pair.fingerprint, pair)
  current.set(pair.scope, pair)
}

/** Replaces a pair of the file by another version of the same pair. */
export function replacePair(file: SecretsFile, pair: ScopedPair): void {
  const wasCurrent = !isStale(file, pair)
  file.pairs.set(pair.fingerprint, pair)
  if (wasCurrent) file.current.set(pair.scope, pair)
}
