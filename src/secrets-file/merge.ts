import { contextText } from '../crypto/data-key-pair.js'
import type { Token } from '../crypto/token.js'
import { entryText } from './entry-token.js'
import { parseSecretsFile, type ScopedPair, type SecretsFile } from './parse.js'
import { pairOf } from './scopes.js'
import { formatSecretsFile } from './serialize.js'

export interface MergeResult {
  /** The merged file; if there are conflicts, with git's markers around each. */
  text: string
  /** Names of entries that both sides changed, or `the data key pairs`. */
  conflicts: string[]
}

/**
 * Merges two versions of a secrets file, entry by entry. A pair stays as long as an entry needs it.
 *
 * @param base the text of their common ancestor; '' if both sides added the file.
 * @param path shown in errors.
 * @throws KmsBuildError SECRETS_FILE_INVALID if a version is malformed by itself.
 */
export function mergeSecretsFiles(
  base: string,
  ours: string,
  theirs: string,
  path: string,
): MergeResult {
  const [a, b] = [parseSecretsFile(ours, path), parseSecretsFile(theirs, path)]
  const o = base.trim() ? parseSecretsFile(base, path) : null
  const inConflict = { text: markers(ours, theirs), conflicts: ['the data key pairs'] }
  const head = mergePairs(o, a, b)
  if (!head) return inConflict

  const entries = mergeMaps(o?.secrets, a.secrets, b.secrets, sameToken)
  const { merged: secrets, conflicts } = entries
  for (const side of [a, b])
    for (const token of usedTokens(side, secrets, conflicts))
      if (!head.pairs.has(token.fingerprint)) head.pairs.set(token.fingerprint, pairOf(side, token))
  // A pair that one side removed returns with its entry. It must fit the merged context then.
  const fits = (pair: ScopedPair) => {
    const current = head.current.get(pair.scope)
    return current !== undefined && sameContext(pair, current)
  }
  if (![...head.pairs.values()].every(fits)) return inConflict

  for (const name of conflicts) secrets.set(name, (a.secrets.get(name) ?? b.secrets.get(name))!)
  const text = formatSecretsFile({ ...a, ...head, secrets })
  return { text: withConflicts(text, conflicts, a.secrets, b.secrets), conflicts }
}

/** Returns the tokens of one side that the merged file contains, or shows as a conflict. */
const usedTokens = (side: SecretsFile, merged: Map<string, Token>, conflicts: string[]) =>
  [...side.secrets].flatMap(([name, token]) =>
    merged.get(name) === token || conflicts.includes(name) ? [token] : [],
  )

/** Merges everything but the entries. Returns null if the two sides disagree. */
function mergePairs(
  base: SecretsFile | null,
  ours: SecretsFile,
  theirs: SecretsFile,
): Pick<SecretsFile, 'current' | 'pairs'> | null {
  const pairs = mergeMaps(base?.pairs, ours.pairs, theirs.pairs, samePair)
  const current = mergeMaps(base?.current, ours.current, theirs.current, sameFingerprint)
  if (pairs.conflicts.length || current.conflicts.length) return null
  for (const [scope, pair] of current.merged) {
    const merged = pairs.merged.get(pair.fingerprint) ?? pair
    pairs.merged.set(pair.fingerprint, merged)
    current.merged.set(scope, merged)
  }
  return { current: current.merged, pairs: pairs.merged }
}

const sameContext = (one: ScopedPair, two: ScopedPair) =>
  contextText(one.encryptionContext) === contextText(two.encryptionContext)

const sameFingerprint = (one: ScopedPair, two: ScopedPair) => one.fingerprint === two.fingerprint

const samePair = (one: ScopedPair, two: ScopedPair) =>
  one.scope === two.scope &&
  JSON.stringify([one.wrapped, one.recovery]) === JSON.stringify([two.wrapped, two.recovery]) &&
  sameContext(one, two)

const sameToken = (one: Token, two: Token) => entryText(one) === entryText(two)

/** Takes the side that changed. A key that both sides changed differently is a conflict. */
function mergeMaps<T>(
  base: Map<string, T> | undefined,
  ours: Map<string, T>,
  theirs: Map<string, T>,
  same: (one: T, two: T) => boolean,
) {
  const merged = new Map<string, T>()
  const conflicts: string[] = []
  const equal = (one: T | undefined, two: T | undefined) =>
    one === undefined || two === undefined ? one === two : same(one, two)
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const [o, a, b] = [base?.get(name), ours.get(name), theirs.get(name)]
    if (!equal(a, b) && !equal(o, a) && !equal(o, b)) conflicts.push(name)
    else {
      const value = equal(o, a) ? b : a
      if (value !== undefined) merged.set(name, value)
    }
  }
  return { merged, conflicts }
}

const markers = (ours: string, theirs: string) =>
  `<<<<<<< ours\n${ours}=======\n${theirs}>>>>>>> theirs\n`

/** Replaces the line of each entry in conflict by the lines of both sides, between markers. */
function withConflicts(
  text: string,
  conflicts: string[],
  ours: Map<string, Token>,
  theirs: Map<string, Token>,
): string {
  for (const name of conflicts) {
    const key = `    ${JSON.stringify(name)}: "kms:`
    const start = text.indexOf(key)
    const end = text.indexOf('\n', start) + 1
    const comma = text[end - 2] === ',' ? ',' : ''
    const line = (token: Token | undefined) =>
      token === undefined ? '' : `    ${JSON.stringify(name)}: "${entryText(token)}"${comma}\n`
    text =
      text.slice(0, start) + markers(line(ours.get(name)), line(theirs.get(name))) + text.slice(end)
  }
  return text
}
