import { contextText } from '../crypto/data-key-pair.js'
import { suiteOf } from '../crypto/suites.js'
import type { Token } from '../crypto/token.js'
import { KmsBuildError } from '../errors.js'
import { DEFAULT_SCOPE } from './names.js'
import type { ScopedPair, SecretsFile } from './types.js'

/** Returns the names of a file's scopes, sorted. */
export const scopeNames = ({ current }: SecretsFile): string[] => [...current.keys()].sort()

/** Checks whether a file has other scopes than `default`. */
export const hasScopes = (file: SecretsFile): boolean =>
  scopeNames(file).some((scope) => scope !== DEFAULT_SCOPE)

/**
 * Returns the version of the format that a file needs: 2 for scopes and recovery copies, 3 for ML-KEM
 * pairs.
 */
export function versionOf(file: SecretsFile): 1 | 2 | 3 {
  const pairs = [...file.pairs.values()]
  if (pairs.some((pair) => suiteOf(pair) !== 'P-256')) return 3
  return hasScopes(file) || pairs.some(({ recovery }) => recovery.length) ? 2 : 1
}

/**
 * Returns the pair that a scope seals to. Without a scope: that of `default`, or of the only scope.
 *
 * @throws KmsBuildError SCOPE_UNKNOWN.
 */
export function currentPair(file: SecretsFile, scope?: string): ScopedPair {
  const pair = findCurrentPair(file, scope)
  if (pair) return pair
  const names = scopeNames(file).join(', ')
  throw new KmsBuildError(
    'SCOPE_UNKNOWN',
    scope === undefined
      ? `${file.path} has several scopes, and none is named default. Name one of them: ${names}.`
      : `${file.path} has no scope ${scope} (it has ${names}). Create it with npx unplugin-kms init --scope ${scope}.`,
  )
}

/** As `currentPair`; undefined if there is no such scope, or no scope is given and none is obvious. */
export function findCurrentPair({ current }: SecretsFile, scope?: string): ScopedPair | undefined {
  const [only, ...others] = current.values()
  const pair = current.get(scope ?? DEFAULT_SCOPE)
  return pair ?? (scope === undefined && !others.length ? only : undefined)
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

/**
 * Checks that no two scopes could be opened with one permission: their pairs differ in the KMS key or
 * in the encryption context.
 *
 * @throws KmsBuildError OPTIONS_INVALID.
 */
export function checkDistinctScopes({ path, pairs }: SecretsFile): void {
  const scopeOf = new Map<string, string>()
  for (const { scope, wrapped, encryptionContext } of pairs.values())
    for (const { keyId } of wrapped) {
      const permission = `${keyId} ${contextText(encryptionContext)}`
      const other = scopeOf.get(permission) ?? scope
      if (other !== scope)
        throw new KmsBuildError(
          'OPTIONS_INVALID',
          `${path}: the scopes ${other} and ${scope} would have the same KMS key and encryption context, so a role that may decrypt one could decrypt the other. Give each its own --context.`,
        )
      scopeOf.set(permission, scope)
    }
}
