import { createHash } from 'node:crypto'
import { createDataKeyPair } from '../../aws/create-data-key-pair.js'
import type { KmsCalls } from '../../aws/kms.js'
import type { DataKeyPair } from '../../crypto/data-key-pair.js'
import { encapsulate, sealToText, type SealMessage } from '../../crypto/seal.js'
import { encodeToken } from '../../crypto/token.js'
import type { Direct } from '../../crypto/wrapped-secret.js'
import { KmsBuildError } from '../../errors.js'
import type { OptionsResolved } from '../../options/types.js'
import type { SecretsFile } from '../../secrets-file/parse.js'
import { currentPair, findCurrentPair } from '../../secrets-file/scopes.js'
import { memoizeAsync } from '../../util/memoize-async.js'
import { type Mark, nameOf, shown } from '../collect/mark.js'
import type { Value } from '../resolve/types.js'
import { directSealer } from './direct.js'

/** A token of a data key pair. */
export interface SealedToken {
  token: string
  fingerprint: string
  /** Whether this build sealed it, with one encapsulation for all of its values. */
  isBuilt?: boolean
}

/** The sealed value of a mark: a token of a data key pair, or its own CiphertextBlob. */
export type SealedValue = SealedToken | Direct

/**
 * Seals the values of one build, or of one watch session. An unchanged value keeps its token, so
 * that a rebuild changes nothing and does not call KMS.
 */
export class Sealer {
  readonly #options: OptionsResolved
  readonly #kms: KmsCalls
  readonly #encryptDirect: ReturnType<typeof directSealer>
  readonly #tokens = new Map<string, Promise<string>>()
  readonly #encapsulation = memoizeAsync((_: string, pair: DataKeyPair): Promise<SealMessage> =>
    encapsulate(pair),
  )
  #ownPair: Promise<DataKeyPair> | undefined

  constructor(
    options: OptionsResolved,
    kms: KmsCalls,
    bounded: <T>(run: () => Promise<T>) => Promise<T>,
  ) {
    this.#options = options
    this.#kms = kms
    this.#encryptDirect = directSealer(kms, bounded)
  }

  /**
   * Seals the value of a mark.
   *
   * @throws KmsBuildError KEY_MISSING, and the errors of `createDataKeyPair` and mode direct, at the mark.
   */
  async seal(mark: Mark, value: Value, secretsFile: SecretsFile | null): Promise<SealedValue> {
    if (!('plaintext' in value)) return value
    try {
      if (this.#options.mode === 'direct')
        return await this.#sealDirect(mark, value.plaintext, secretsFile)
      const pair = await this.#sealingPair(mark, secretsFile)
      const token = await this.#sealOnce(pair, mark, value.plaintext)
      return { token, fingerprint: pair.fingerprint, isBuilt: !this.#options.seed }
    } catch (error) {
      throw error instanceof KmsBuildError ? error.at(mark.place) : error
    }
  }

  /** Returns the keys for values with their own CiphertextBlob. */
  keyIdsOf(secretsFile: SecretsFile | null): string[] {
    const { keyIds, scopes } = this.#options
    if (keyIds.length || !secretsFile) return keyIds
    return (findCurrentPair(secretsFile, scopes[0])?.wrapped ?? []).map(({ keyId }) => keyId)
  }

  /** Returns the pair that a token was sealed to: the build's own, or one of the secrets file's. */
  async pairOf(
    fingerprint: string,
    secretsFile: SecretsFile | null,
  ): Promise<DataKeyPair | undefined> {
    const own = await this.#ownPair
    return own?.fingerprint === fingerprint ? own : secretsFile?.pairs.get(fingerprint)
  }

  async #sealDirect(mark: Mark, plaintext: Uint8Array, secretsFile: SecretsFile | null) {
    const { encryptionContext = {}, scopes } = this.#options
    const keyIds = this.keyIdsOf(secretsFile)
    if (!keyIds.length) throw keyMissing(mark)
    const context = secretsFile
      ? currentPair(secretsFile, scopes[0]).encryptionContext
      : encryptionContext
    const secret = { name: nameOf(mark), place: mark.place }
    return this.#encryptDirect(secret, plaintext, keyIds, context)
  }

  #sealOnce(pair: DataKeyPair, mark: Mark, plaintext: Uint8Array): Promise<string> {
    const kind = mark.format === 'bytes' ? 'bytes' : 'literal'
    const digest = createHash('sha256').update(plaintext).digest('base64')
    const key = `${pair.fingerprint} ${kind} ${mark.place.file} ${nameOf(mark)} ${digest}`
    let token = this.#tokens.get(key)
    if (!token) this.#tokens.set(key, (token = this.#sealNew(pair, kind, plaintext, nameOf(mark))))
    return token
  }

  async #sealNew(
    pair: DataKeyPair,
    kind: 'literal' | 'bytes',
    plaintext: Uint8Array,
    name: string,
  ): Promise<string> {
    const { seed } = this.#options
    // The seed may only let its owner test guesses. If one encapsulation came from it alone, the seed
    // would decrypt all values; so each has its own, which depends on the value, too.
    if (seed) return sealToText(pair, kind, plaintext, '', seed)
    const sealMessage = await this.#encapsulation(pair.fingerprint, pair)
    return encodeToken(sealMessage(kind, plaintext, name))
  }

  async #sealingPair(mark: Mark, secretsFile: SecretsFile | null): Promise<DataKeyPair> {
    const { keyIds, encryptionContext = {}, scopes } = this.#options
    if (secretsFile) return currentPair(secretsFile, scopes[0])
    if (!keyIds.length) throw keyMissing(mark)
    this.#ownPair ??= createDataKeyPair(this.#kms, keyIds, encryptionContext).catch((error) => {
      // The next build of a watch session tries again.
      this.#ownPair = undefined
      throw error
    })
    return this.#ownPair
  }
}

const keyMissing = (mark: Mark) =>
  new KmsBuildError(
    'KEY_MISSING',
    `no KMS key is configured for ${shown(mark)}. Set the option keyId, or create a secrets file with npx unplugin-kms init --key ID.`,
    mark.place,
  )
