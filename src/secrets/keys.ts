import { publicKeyDigest } from '../crypto/data-key-pair.js'
import { suiteOf, type Suite } from '../crypto/suites.js'
import type { KmsBuildError } from '../errors.js'
import { suiteFact } from '../embedded/facts.js'
import { existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import {
  describeState,
  pinOf,
  trustStateOf,
  type TrustedPair,
} from '../secrets-file/trust-state.js'
import type { SecretsFile } from '../secrets-file/types.js'
import { compareWithTrusted, mismatch } from '../secrets-file/trust.js'

/** A pair, and who can decrypt what is sealed to it. */
export interface ListedPair extends TrustedPair {
  /** Present if it is not P-256. */
  suite?: Suite
}

/** The keys that can decrypt the secrets of a secrets file. */
export interface ListedKeys {
  path: string
  /** For the plugin's option `pin`. */
  pin: string
  dataKeyPairs: ListedPair[]
  /** Whether the keys are the remembered or pinned ones; undefined if none are. */
  trusted: boolean | undefined
  /** Why it is not trusted. */
  problem?: string
}

/**
 * Lists the data key pairs of a secrets file with the KMS keys, encryption contexts and scopes of each,
 * and compares them with what the user trusts. Remembers nothing, and needs no AWS.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID.
 */
export async function listKeys(options: SecretsOptions = {}): Promise<ListedKeys> {
  return keysOf(await existingSecretsFile(options))
}

/** Returns what `listKeys` does, of a file that was read. */
export async function keysOf(file: SecretsFile): Promise<ListedKeys> {
  const state = trustStateOf(file)
  const suites = new Map(
    [...file.pairs.values()].map((pair) => [publicKeyDigest(pair.publicKey), suiteOf(pair)]),
  )
  const dataKeyPairs = state.map((pair): ListedPair => {
    return { ...pair, ...suiteFact(suites.get(pair.publicKey)!) }
  })
  const keys = { path: file.path, pin: pinOf(state), dataKeyPairs }
  try {
    const change = await compareWithTrusted(file)
    if (change?.rejected)
      return { ...keys, trusted: false, problem: (await mismatch(file, change)).message }
    return { ...keys, trusted: change?.isFirst ? undefined : true }
  } catch (error) {
    return { ...keys, trusted: false, problem: (error as KmsBuildError).message }
  }
}

/** Describes the keys in lines, for people. */
export const describeKeys = ({ dataKeyPairs }: ListedKeys): string[] =>
  dataKeyPairs.flatMap((pair) => [
    ...describeState([pair]),
    ...(pair.suite ? [`  ${pair.suite}: opens on Node.js 24.7 and later`] : []),
  ])
