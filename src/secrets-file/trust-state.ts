import { createHash } from 'node:crypto'
import { contextText, publicKeyDigest, sortedContext } from '../crypto/data-key-pair.js'
import type { SecretsFile } from './parse.js'

/** Who can decrypt what is sealed to one data key pair. */
export interface TrustedPair {
  /** `sha256:` and the SHA-256 of the SPKI. */
  publicKey: string
  scope: string
  /** Whether its scope seals new values to it. */
  current: boolean
  /** The KMS keys that the private key is wrapped under, sorted. */
  keyArns: string[]
  encryptionContext: Record<string, string>
  /** The age recipients that can decrypt without KMS, sorted. Absent if there are none. */
  recovery?: string[]
}

/** Returns everything in a file that decides who can decrypt, in one canonical order. */
export const trustStateOf = ({ pairs, current }: SecretsFile): TrustedPair[] =>
  [...pairs.values()]
    .map((pair): TrustedPair => ({
      publicKey: publicKeyDigest(pair.publicKey),
      scope: pair.scope,
      current: current.get(pair.scope)?.fingerprint === pair.fingerprint,
      keyArns: distinctSorted(pair.wrapped.map(({ keyId }) => keyId)),
      encryptionContext: sortedContext(pair.encryptionContext),
      ...(pair.recovery.length && {
        recovery: distinctSorted(pair.recovery.map(({ recipient }) => recipient)),
      }),
    }))
    .sort((one, other) => (one.publicKey < other.publicKey ? -1 : 1))

const distinctSorted = (texts: string[]) => [...new Set(texts)].sort()

/** Returns the pin of a state: `sha256:` and the SHA-256 of its canonical JSON. */
export const pinOf = (state: TrustedPair[]): string =>
  `sha256:${createHash('sha256')
    .update(`unplugin-kms/trust/v1\n${JSON.stringify(state)}`)
    .digest('hex')}`

const CURRENT = 'new values are sealed to it'

/** Returns the properties of a pair, one per line. */
const propertiesOf = (pair: TrustedPair): string[] => [
  `scope ${pair.scope}`,
  ...(pair.current ? [CURRENT] : []),
  ...pair.keyArns.map((arn) => `key ${arn}`),
  `encryption context ${contextText(pair.encryptionContext)}`,
  ...(pair.recovery ?? []).map((recipient) => `recovery recipient ${recipient}`),
]

/** Describes a state in lines, for people. */
export const describeState = (state: TrustedPair[]): string[] =>
  state.flatMap((pair) => [
    `data key pair ${pair.publicKey}`,
    ...propertiesOf(pair).map((property) => `  ${property}`),
  ])

/** Returns the lines as a block below a message. */
export const indented = (lines: string[]) => lines.map((line) => `  ${line}`).join('\n')

/** A comparison of a state with the one that was trusted. */
export interface TrustDiff {
  /** Whether the state lets anybody decrypt who could not before, or seals to another pair. */
  widens: boolean
  /** Whether it widens only in that it seals again to a pair that was trusted earlier. */
  isEarlier: boolean
  /** The pairs that differ: lines that begin with `+`, `-`, or a space. */
  lines: string[]
}

/**
 * Compares a state with a trusted one. A removed pair or key does not widen it; a new pair, key,
 * context or scope does, and so does sealing again to an earlier pair.
 */
export function diffStates(trusted: TrustedPair[], state: TrustedPair[]): TrustDiff {
  const lines: string[] = []
  const allAdded: string[] = []
  const find = (pairs: TrustedPair[], { publicKey }: TrustedPair) =>
    pairs.find((pair) => pair.publicKey === publicKey)
  for (const pair of [...state, ...trusted.filter((pair) => !find(state, pair))]) {
    const now = find(state, pair)
    const before = find(trusted, pair)
    const [nowHas, beforeHad] = [now, before].map((one) => (one ? propertiesOf(one) : []))
    const added = nowHas!.filter((property) => !beforeHad!.includes(property))
    const removed = beforeHad!.filter((property) => !nowHas!.includes(property))
    if (!added.length && !removed.length) continue
    allAdded.push(...added)
    lines.push(
      `${before ? (now ? ' ' : '-') : '+'} data key pair ${pair.publicKey}`,
      ...removed.map((property) => `-   ${property}`),
      ...added.map((property) => `+   ${property}`),
    )
  }
  return {
    widens: allAdded.length > 0,
    isEarlier: allAdded.length > 0 && allAdded.every((property) => property === CURRENT),
    lines,
  }
}
