import { kmsOpeningCalls } from '../aws/kms-decrypt.js'
import { kmsCalls } from '../aws/kms.js'
import { suiteOf, type Suite } from '../crypto/suites.js'
import { existingPath, existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import { withLock } from '../secrets-file/lock.js'
import { opener, type Opener } from '../secrets-file/open.js'
import type { ScopedPair, SecretsFile } from '../secrets-file/parse.js'
import { recoveryWarnings } from '../secrets-file/recovery.js'
import { currentPair, isStale, makeCurrent, scopeNames } from '../secrets-file/scopes.js'
import { pinOf, trustStateOf } from '../secrets-file/trust-state.js'
import { checkTrust, writeTrusted } from '../secrets-file/trust.js'
import { sealedSources } from './decrypt.js'
import { openSealed, resealStale } from './reseal.js'
import { createScopedPair } from './scoped-pair.js'
import { replaceLiterals, replaceSource } from './sources.js'

export interface RotateOptions extends SecretsOptions {
  /** Sources whose sealed literals are sealed again. Default: none. */
  paths?: string[]
  /** The KMS keys of the new pair. Default: those of the current one, each of which must decrypt. */
  keyIds?: string[]
  /**
   * Whether the new pair is of ML-KEM-1024 (true) or of P-256 (false). Default: as the current one. A pair
   * of the other kind is always created, also when an earlier rotation is finished.
   */
  postQuantum?: boolean
  /** The scope that gets a new pair. Default: all. */
  scope?: string
  /** age recipients of the new pair. Default: those of the current one. */
  recovery?: string[]
  /** Called with the KMS keys before a private key is wrapped under them. */
  onWrap?: (scope: string, keyIds: string[]) => void
}

export interface RotateResult {
  path: string
  /** The current pair of the first scope that was rotated. */
  fingerprint: string
  /** The current pair of each scope that was rotated. */
  scopes: { scope: string; fingerprint: string }[]
  /** The pin of the file. */
  pin: string
  /** The pins of the file before and after: open branches still have the earlier one. */
  pins: string[]
  /** Whether an earlier rotation was finished, without a new pair. */
  finished: boolean
  /** How many entries were sealed again. */
  entries: number
  /** Modules whose literals were sealed again. */
  sources: string[]
  warnings: string[]
}

/**
 * Creates a new data key pair per scope and seals every entry and literal again (kms:Decrypt, and
 * kms:GenerateDataKeyPairWithoutPlaintext or kms:Encrypt). Earlier pairs stay, so that tokens sealed to
 * them can still be decrypted. A token of an earlier pair means that a rotation was interrupted or a branch
 * was merged late: it is sealed to the current pair, and no new pair is created.
 *
 * Before anything is written, every pair is unwrapped and compared with its public key, and every
 * token is opened. The secrets file is replaced in one step, then each module.
 *
 * @throws KmsBuildError PIN_MISMATCH, PAIR_MISMATCH, KEY_UNPROVEN, SCOPE_UNKNOWN, OPEN_FAILED,
 *   TOKEN_FOREIGN, KMS_DENIED, KMS_UNREACHABLE, KMS_FAILED, FILE_CHANGED, FILE_LOCKED,
 *   FILE_UNWRITABLE, and what `sealedSources` throws.
 */
export async function rotateSecrets(options: RotateOptions = {}): Promise<RotateResult> {
  return withLock(await existingPath(options), async (stillHeld) => {
    const file = await existingSecretsFile(options)
    const before = trustStateOf(file)
    const scopes =
      options.scope === undefined ? scopeNames(file) : [currentPair(file, options.scope).scope]
    const isCopied = scopes.some((scope) => currentPair(file, scope).recovery.length)
    const warnings = await checkTrust(
      file,
      options.trust,
      isCopied && !options.recovery ? 'trust no first state' : 'trust the first state',
    )
    const opens = opener(kmsOpeningCalls(options.aws ?? {}), file)
    const sealed = await openSealed(opens, file, await sealedSources(options.paths ?? []), scopes)
    const needsOther = (scope: string) => {
      const pair = currentPair(file, scope)
      return suiteFor(pair, options.postQuantum) !== suiteOf(pair)
    }
    const finished = !scopes.some(needsOther) && sealed.some(({ pair }) => isStale(file, pair))
    if (!finished)
      for (const scope of scopes)
        makeCurrent(file, await newPair(currentPair(file, scope), opens, options))
    const { entries, literals } = await resealStale(file, sealed)

    stillHeld()
    warnings.push(...(await writeTrusted(file, before)))
    if (!finished)
      warnings.push(...recoveryWarnings(scopes.map((scope) => currentPair(file, scope))))
    for (const [source, replacements] of literals)
      await replaceSource(source, replaceLiterals(source, replacements))
    return {
      path: file.path,
      ...rotatedScopes(file, scopes),
      pin: pinOf(trustStateOf(file)),
      pins: [...new Set([pinOf(before), pinOf(trustStateOf(file))])],
      finished,
      entries,
      sources: [...literals.keys()].map(({ path }) => path),
      warnings,
    }
  })
}

const suiteFor = (current: ScopedPair, postQuantum: boolean | undefined): Suite =>
  postQuantum === undefined ? suiteOf(current) : postQuantum ? 'ML-KEM-1024' : 'P-256'

/** Creates the pair that follows the current one of a scope. */
async function newPair(
  current: ScopedPair,
  { verifyKeys }: Opener,
  { keyIds, recovery: given, aws = {}, onWrap, postQuantum }: RotateOptions,
): Promise<ScopedPair> {
  const { scope, encryptionContext, fingerprint } = current
  const wrapping = keyIds ?? (await verifyKeys(fingerprint))
  const recovery = given ?? current.recovery.map(({ recipient }) => recipient)
  onWrap?.(scope, [...wrapping, ...recovery])
  return createScopedPair({
    kms: kmsCalls(aws),
    keyIds: wrapping,
    encryptionContext,
    suite: suiteFor(current, postQuantum),
    scope,
    recovery,
  })
}

function rotatedScopes(file: SecretsFile, names: string[]) {
  const scopes = names.map((scope) => ({
    scope,
    fingerprint: currentPair(file, scope).fingerprint,
  }))
  return { fingerprint: scopes[0]!.fingerprint, scopes }
}
