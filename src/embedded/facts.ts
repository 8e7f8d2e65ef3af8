import { parseKeyArn } from '../aws/key-arn.js'
import type { Kind } from '../crypto/token.js'
import type { Format } from '../secret/format.js'

/**
 * What can be said of an embedded secret without opening it. A reader of the bundle and the build
 * itself say the same.
 */
export interface SecretFacts {
  /** Its name, or the place of a literal; null where nothing in the bundle says either. */
  name: string | null
  kind: Kind
  format: Format
  mode: 'envelope' | 'direct'
  /** The data key pair's; null in mode direct, and in a manifest where the build made the pair. */
  fingerprint: string | null
  /** Key ARNs, each of which can open it; none where the pair is not in what was read. */
  keys: string[]
  regions: string[]
  encryptionContext: Record<string, string>
  /** Bytes; of a token without its encapsulated key, of a CiphertextBlob in all. */
  ciphertextSize: number
  /** The output files that hold it. */
  chunks: string[]
}

export const regionsOf = (keys: string[]) => [
  ...new Set(keys.map((arn) => parseKeyArn(arn)?.region ?? 'unknown')),
]

/** By name, what has none last; alike in name, by all else. */
export function byName(one: SecretFacts, other: SecretFacts): number {
  const key = ({ name, ...rest }: SecretFacts) =>
    `${name === null ? 1 : 0}${name}\0${JSON.stringify(rest)}`
  return key(one) < key(other) ? -1 : 1
}

/** Whether an output is code, by its name: a source map or any other file repeats what code holds. */
export const isCode = (name: string) => /(?:\.[cm]?[jt]sx?|(?:^|\/)[^./]+)$/.test(name)
