import { parseKeyArn } from '../aws/key-arn.js'
import type { Suite } from '../crypto/suites.js'
import type { Kind } from '../crypto/token.js'
import type { Format } from '../secret/format.js'

/**
 * The facts of an embedded secret that are known without decryption. `inspect` and the build's manifest
 * report the same.
 */
export interface SecretFacts {
  /** The name of the secret or the place of a literal; null if the bundle contains neither. */
  name: string | null
  kind: Kind
  format: Format
  mode: 'envelope' | 'direct'
  /** Of the data key pair. Null in mode direct, and in manifests if the build created the pair. */
  fingerprint: string | null
  /** The HPKE suite of the pair if it is not P-256: such secrets open on Node.js 24.7 and later. */
  suite?: Suite
  /** ARNs of the KMS keys that can decrypt it. Empty if the files do not contain the pair. */
  keys: string[]
  regions: string[]
  encryptionContext: Record<string, string>
  /** Bytes: of a token without its encapsulated key, or of a complete CiphertextBlob. */
  ciphertextSize: number
  /** Output files that contain it. */
  chunks: string[]
}

/** Returns the suite as a fact; P-256 is not mentioned. */
export const suiteFact = (suite: Suite): { suite?: Suite } => (suite === 'P-256' ? {} : { suite })

export const regionsOf = (keys: string[]) => [
  ...new Set(keys.map((arn) => parseKeyArn(arn)?.region ?? 'unknown')),
]

/** Compares by name, then by the other facts. Secrets without a name come last. */
export function byName(one: SecretFacts, other: SecretFacts): number {
  const key = ({ name, ...rest }: SecretFacts) =>
    `${name === null ? 1 : 0}${name}\0${JSON.stringify(rest)}`
  return key(one) < key(other) ? -1 : 1
}

/** Returns whether an output is code, by its name. Other files, as source maps, repeat code. */
export const isCode = (name: string) => /(?:\.[cm]?[jt]sx?|(?:^|\/)[^./]+)$/.test(name)
