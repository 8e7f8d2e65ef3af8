import type { DataKeyPair } from '../crypto/data-key-pair.js'
import type { Token } from '../crypto/token.js'

/** The private half of a data key pair, encrypted to an offline age key. */
export interface RecoveryCopy {
  /** `age1…` */
  recipient: string
  /** An age file, in base64. */
  ciphertext: string
}

/** A data key pair of a secrets file. */
export interface ScopedPair extends DataKeyPair {
  /** The name of its scope. All pairs of a scope have one encryption context. */
  scope: string
  /** Copies for when KMS cannot decrypt any more. No bundle contains them. */
  recovery: RecoveryCopy[]
}

/** A secrets file, parsed and checked. */
export interface SecretsFile {
  path: string
  /** The file's `$schema`, kept when it is written. */
  schema?: string
  /** The pair that each scope seals to. A file without scopes has the scope `default` only. */
  current: Map<string, ScopedPair>
  /** All pairs, by fingerprint. */
  pairs: Map<string, ScopedPair>
  /** Entries by name: tokens of kind named, each sealed to one of the pairs. */
  secrets: Map<string, Token>
}
