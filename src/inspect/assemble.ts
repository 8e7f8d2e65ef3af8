import { sortedContext } from '../crypto/data-key-pair.js'
import { byName, regionsOf, type SecretFacts } from '../embedded/facts.js'
import type {
  EmbeddedDirect,
  EmbeddedPair,
  EmbeddedItem,
  EmbeddedToken,
} from '../embedded/embedded-item.js'

/** What one file was found to hold. */
export interface ReadFile {
  name: string
  /** Whether it is code; a map or any other file repeats what stands in code. */
  isCode: boolean
  items: EmbeddedItem[]
}

export interface InspectedSecret extends SecretFacts {
  /** Source maps and other files in which its ciphertext stands too. */
  elsewhere: string[]
  /** SHA-256 of the token or CiphertextBlob as text. */
  digest: string
  /** In mode direct: its CiphertextBlobs, one a key. */
  blobs: string[]
}

export interface InspectedPair {
  fingerprint: string | null
  keys: string[]
  regions: string[]
  encryptionContext: Record<string, string>
  chunks: string[]
  /** The private key's CiphertextBlobs, one a key. */
  blobs: string[]
}

/** Puts together what stands in different chunks: each secret once, with the pair that opens it. */
export function assemble(files: ReadFile[]) {
  const pairs = pairsOf(files)
  const secrets = new Map<string, InspectedSecret>()
  const named = new Set(
    files.flatMap(({ items }) =>
      items.flatMap((one) => (one.what === 'token' && 'name' in one ? one.digest : [])),
    ),
  )
  for (const { name, isCode, items } of files) {
    for (const one of items) {
      if (one.what !== 'token' && one.what !== 'direct') continue
      // The token of an opening stands once more in a map: without its name.
      const key = one.name === undefined && named.has(one.digest) ? null : keyOf(one)
      const targets = key
        ? [secrets.get(key) ?? begin(secrets, key, factsOf(one, pairs))]
        : [...secrets.values()].filter(({ digest }) => digest === one.digest)
      for (const secret of targets) add(isCode ? secret.chunks : secret.elsewhere, name)
    }
  }
  return { secrets: [...secrets.values()].sort(byName), dataKeyPairs: pairs }
}

const keyOf = (one: EmbeddedToken | EmbeddedDirect) =>
  JSON.stringify([one.digest, one.name, one.format])

function begin(secrets: Map<string, InspectedSecret>, key: string, secret: InspectedSecret) {
  secrets.set(key, secret)
  return secret
}

function add(names: string[], name: string) {
  if (names.includes(name)) return
  names.push(name)
  names.sort()
}

function pairsOf(files: ReadFile[]): InspectedPair[] {
  const pairs = new Map<string, InspectedPair>()
  for (const { name, isCode, items } of files) {
    for (const one of items) {
      if (one.what !== 'pair') continue
      const key = pairKey(one)
      let pair = pairs.get(key)
      if (!pair) {
        const { keys, blobs, encryptionContext, fingerprint = null } = one
        pair = {
          fingerprint,
          keys,
          regions: regionsOf(keys),
          encryptionContext: sortedContext(encryptionContext),
          chunks: [],
          blobs,
        }
        pairs.set(key, pair)
      }
      if (isCode) add(pair.chunks, name)
    }
  }
  return [...pairs.values()].sort((one, other) =>
    JSON.stringify(one) < JSON.stringify(other) ? -1 : 1,
  )
}

const pairKey = ({ fingerprint, keys, encryptionContext }: EmbeddedPair) =>
  JSON.stringify([fingerprint, keys, sortedContext(encryptionContext)])

function factsOf(one: EmbeddedToken | EmbeddedDirect, pairs: InspectedPair[]): InspectedSecret {
  const { name = null, format, ciphertextSize, digest } = one
  const common = { ciphertextSize, chunks: [], elsewhere: [], digest, blobs: [] }
  if (one.what === 'direct') {
    return {
      name,
      kind: format === 'bytes' ? 'bytes' : 'literal',
      format,
      mode: 'direct',
      fingerprint: null,
      keys: one.keys,
      regions: regionsOf(one.keys),
      encryptionContext: sortedContext(one.encryptionContext),
      ...common,
      blobs: one.blobs,
    }
  }
  // A pair that lost its fingerprint is told from the others only where there are no others.
  const pair =
    pairs.find(({ fingerprint }) => fingerprint === one.fingerprint) ??
    (pairs.length === 1 && pairs[0]!.fingerprint === null ? pairs[0] : undefined)
  return {
    name,
    kind: one.kind,
    format,
    mode: 'envelope',
    fingerprint: one.fingerprint,
    keys: pair?.keys ?? [],
    regions: pair?.regions ?? [],
    encryptionContext: pair?.encryptionContext ?? {},
    ...common,
  }
}
