import { createDataKeyPair } from '../aws/create-data-key-pair.js'
import { kmsOpeningCalls } from '../aws/kms-decrypt.js'
import { kmsCalls } from '../aws/kms.js'
import { publicKeyDigest } from '../crypto/data-key-pair.js'
import { sealToText } from '../crypto/seal.js'
import { placeText } from '../errors.js'
import { tokenIn } from '../pipeline/resolve/literal.js'
import { checkKnownPin, rememberPins } from '../secrets-file/known-pins.js'
import { existingPath, existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import { withLock } from '../secrets-file/lock.js'
import { opener, type Opener } from '../secrets-file/open.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { currentPair, isStale, makeCurrent, pairOf } from '../secrets-file/scopes.js'
import { writeSecretsFile } from '../secrets-file/serialize.js'
import { sealedSources } from './decrypt.js'
import { sealEntry } from './set.js'
import { replaceLiterals, replaceSource, type MarkedSource } from './sources.js'

export interface RotateOptions extends SecretsOptions {
  /** Sources whose sealed literals are sealed anew. Default: none. */
  paths?: string[]
  /** The KMS keys of the new pair. Default: those of the current one. */
  keyIds?: string[]
}

export interface Rotated {
  path: string
  fingerprint: string
  pin: string
  /** Of all pairs that the file holds now. */
  pins: string[]
  /** Whether an earlier rotation was finished, with no new pair. */
  finished: boolean
  entries: number
  /** Modules whose literals were sealed anew. */
  sources: string[]
  warnings: string[]
}

/**
 * Makes a new data key pair current and seals every entry and literal anew (kms:Decrypt, and
 * kms:GenerateDataKeyPairWithoutPlaintext or kms:Encrypt). Earlier pairs stay, so that what is
 * sealed to them still opens. Where something is sealed to an earlier pair, a rotation was cut short
 * or a branch came late: then no pair is made, and that is sealed to the current one.
 *
 * Before anything is written every pair is unwrapped and compared with its public key, and
 * everything is opened. The secrets file is replaced in one step, then each module in one.
 *
 * @throws KmsBuildError PIN_MISMATCH, PAIR_MISMATCH, OPEN_FAILED, TOKEN_FOREIGN, KMS_DENIED,
 *   KMS_UNREACHABLE, KMS_FAILED, FILE_CHANGED, FILE_LOCKED, FILE_UNWRITABLE, and what
 *   `sealedSources` throws.
 */
export async function rotateSecrets(options: RotateOptions = {}): Promise<Rotated> {
  const { aws = {}, paths = [], trust } = options
  return withLock(await existingPath(options), async (stillHeld) => {
    const file = await existingSecretsFile(options)
    await checkKnownPin(file, trust)
    const sources = await sealedSources(paths)
    const { unwrap, open } = opener(kmsOpeningCalls(aws), file)
    await Promise.all([...file.pairs.keys()].map(unwrap))
    const entries = await openEntries(open, file)
    const literals = await openLiterals(open, sources, file)

    const finished = [...entries, ...literals].some(({ pair }) => isStale(file, pair))
    if (!finished) {
      const keyIds = options.keyIds ?? currentPair(file).wrapped.map(({ keyId }) => keyId)
      const pair = await createDataKeyPair(
        kmsCalls(aws),
        keyIds,
        currentPair(file).encryptionContext,
      )
      makeCurrent(file, { ...pair, scope: currentPair(file).scope })
    }
    const staleEntries = entries.filter(({ pair }) => isStale(file, pair))
    const staleLiterals = literals.filter(({ pair }) => isStale(file, pair))
    await Promise.all(staleEntries.map(({ name, plaintext }) => sealEntry(file, name, plaintext)))
    const current = currentPair(file)
    const replacements = await Promise.all(
      staleLiterals.map(async ({ mark, source, kind, plaintext }) => ({
        source,
        mark,
        value: await sealToText(current, kind, plaintext),
      })),
    )
    for (const { plaintext } of [...entries, ...literals]) plaintext.fill(0)

    stillHeld()
    // First, so that a run cut short after the write does not take its own pair for a stranger's.
    const warnings = await rememberPins(file)
    await writeSecretsFile(file)
    const changed = sources.filter((source) =>
      replacements.some((replacement) => replacement.source === source),
    )
    for (const source of changed) {
      const own = replacements.filter((replacement) => replacement.source === source)
      await replaceSource(source, replaceLiterals(source, own))
    }
    return {
      path: file.path,
      fingerprint: current.fingerprint,
      pin: publicKeyDigest(current.publicKey),
      pins: [...file.pairs.values()].map(({ publicKey }) => publicKeyDigest(publicKey)),
      finished,
      entries: staleEntries.length,
      sources: changed.map(({ path }) => path),
      warnings,
    }
  })
}

const openEntries = (open: Opener['open'], file: SecretsFile) =>
  Promise.all(
    [...file.secrets].map(async ([name, token]) => ({
      name,
      pair: pairOf(file, token),
      plaintext: await open(token, name),
    })),
  )

const openLiterals = (open: Opener['open'], sources: MarkedSource[], file: SecretsFile) =>
  Promise.all(
    sources.flatMap((source) =>
      source.literals.map(async (mark) => {
        const token = tokenIn(mark)
        const plaintext = await open(token, placeText(mark.place))
        return { source, mark, kind: token.kind, pair: pairOf(file, token), plaintext }
      }),
    ),
  )
