import { contextText, type DataKeyPair } from '../crypto/data-key-pair.js'
import { decodeToken, type Token } from '../crypto/token.js'
import { parseSecretsFile, type SecretsFile } from './parse.js'
import { formatSecretsFile } from './serialize.js'

export interface Merged {
  /** The merged file; where there are conflicts, with git's markers around each. */
  text: string
  /** Names of entries that both sides changed, or `the data key pairs`. */
  conflicts: string[]
}

/**
 * Merges two versions of a secrets file, entry by entry. A pair stays as long as an entry needs it.
 *
 * @param base their common ancestor's text; '' if the file was added on both sides.
 * @param path shown in errors.
 * @throws KmsBuildError SECRETS_FILE_INVALID where a version is broken by itself.
 */
export function mergeSecretsFiles(
  base: string,
  ours: string,
  theirs: string,
  path: string,
): Merged {
  const [a, b] = [parseSecretsFile(ours, path), parseSecretsFile(theirs, path)]
  const o = base.trim() ? parseSecretsFile(base, path) : null
  const head = mergeHeads(o, a, b)
  if (!head) return { text: markers(ours, theirs), conflicts: ['the data key pairs'] }

  const { merged: secrets, conflicts } = mergeMaps(
    o?.secrets,
    a.secrets,
    b.secrets,
    (one, two) => one === two,
  )
  const needed = new Set([
    head.current,
    ...[
      ...secrets.values(),
      ...conflicts.flatMap((name) => [a.secrets.get(name), b.secrets.get(name)]),
    ].flatMap((token) => (token ? [(decodeToken(token) as Token).fingerprint] : [])),
  ])
  const pairs = new Map(head.pairs)
  for (const fingerprint of needed)
    pairs.set(
      fingerprint,
      pairs.get(fingerprint) ?? a.pairs.get(fingerprint) ?? b.pairs.get(fingerprint)!,
    )
  // A pair that one side dropped returns with its entry, and then must fit the merged context.
  const fits = (pair: DataKeyPair) => sameContext(pair.encryptionContext, head.encryptionContext)
  if (![...pairs.values()].every(fits)) {
    return { text: markers(ours, theirs), conflicts: ['the data key pairs'] }
  }
  for (const name of conflicts) secrets.set(name, CONFLICT)
  const text = formatSecretsFile({ ...a, ...head, pairs, secrets })
  return { text: withConflicts(text, conflicts, a.secrets, b.secrets), conflicts }
}

type Head = Pick<SecretsFile, 'encryptionContext' | 'current' | 'pairs'>

/** All but the entries, or null where the two sides disagree. */
function mergeHeads(base: SecretsFile | null, ours: SecretsFile, theirs: SecretsFile): Head | null {
  const current = pick(base?.current, ours.current, theirs.current, (one, two) => one === two)
  const encryptionContext = pick(
    base?.encryptionContext,
    ours.encryptionContext,
    theirs.encryptionContext,
    sameContext,
  )
  const { merged: pairs, conflicts } = mergeMaps(base?.pairs, ours.pairs, theirs.pairs, samePair)
  if (!current || !encryptionContext || conflicts.length) return null
  return { current, encryptionContext, pairs }
}

const sameContext = (one: Record<string, string>, two: Record<string, string>) =>
  contextText(one) === contextText(two)

const samePair = (one: DataKeyPair, two: DataKeyPair) =>
  JSON.stringify(one.wrapped) === JSON.stringify(two.wrapped) &&
  sameContext(one.encryptionContext, two.encryptionContext)

/** The side that changed, or null where both did, differently. */
function pick<T>(
  base: T | undefined,
  ours: T,
  theirs: T,
  same: (one: T, two: T) => boolean,
): T | null {
  if (same(ours, theirs) || (base !== undefined && same(base, theirs))) return ours
  return base !== undefined && same(base, ours) ? theirs : null
}

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

const CONFLICT = 'conflict'
const markers = (ours: string, theirs: string) =>
  `<<<<<<< ours\n${ours}=======\n${theirs}>>>>>>> theirs\n`

/** Puts both sides' lines in place of each entry in conflict; an entry is a line of its own. */
function withConflicts(
  text: string,
  conflicts: string[],
  ours: Map<string, string>,
  theirs: Map<string, string>,
): string {
  for (const name of conflicts) {
    const key = `    ${JSON.stringify(name)}: `
    const start = text.indexOf(`${key}"${CONFLICT}"`)
    const end = text.indexOf('\n', start) + 1
    const comma = text[end - 2] === ',' ? ',' : ''
    const line = (token: string | undefined) =>
      token === undefined ? '' : `${key}"${token}"${comma}\n`
    text =
      text.slice(0, start) + markers(line(ours.get(name)), line(theirs.get(name))) + text.slice(end)
  }
  return text
}
