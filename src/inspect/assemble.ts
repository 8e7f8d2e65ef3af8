import { sortedContext } from '../crypto/data-key-pair.js'
import { byName, regionsOf, type SecretFacts } from '../embedded/facts.js'
import type {
  EmbeddedDirect,
  EmbeddedPair,
  EmbeddedItem,
  EmbeddedToken,
} from '../embedded/embedded-item.js'

/** The embedded items of one file. */
export interface ReadFile {
  name: string
  /** Whether the file is code. Source maps and other files repeat code. */
  isCode: boolean
  items: EmbeddedItem[]
}

export interface InspectedSecret extends SecretFacts {
  /** Source maps and other files without code that contain the ciphertext of the secret too. */
  elsewhere: string[]
  /** SHA-256 of the token or CiphertextBlob as a string. */
  digest: string
  /** The CiphertextBlobs of the secret, one per KMS key. Only in mode direct. */
  blobs: string[]
}

export interface InspectedPair {
  fingerprint: string | null
  keys: string[]
  regions: string[]
  encryptionContext: Record<string, string>
  chunks: string[]
  /** The private key's CiphertextBlobs, one per key. */
  blobs: string[]
}

/** Combines the items of all files: each secret once, with the pair that decrypts it. */
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
      // A source map repeats the token of a shim call without its name.
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
  // A pair without a fingerprint can be assigned only if it is the only pair.
  const pair =
    pairs.find(({ fingerprint }) => fingerprint === one.fingerprint) ??
    (pairs.length === 1 && pairs[0]!.fingerprint === null ? pairs[0] : undefined)
  return {
    name,
    kind: one.kind,
    format,
    mode: 'envelope',
    fingerprint: one.fingerprint,
    ...(one.suite && { suite: one.suite }),
    keys: pair?.keys ?? [],
    regions: pair?.regions ?? [],
    encryptionContext: pair?.encryptionContext ?? {},
    ...common,
  }
}
