import { createHash } from 'node:crypto'
import { createDataKeyPair } from '../../aws/create-data-key-pair.js'
import type { KmsCalls } from '../../aws/kms.js'
import type { DataKeyPair } from '../../crypto/data-key-pair.js'
import { sealToText } from '../../crypto/seal.js'
import type { Direct } from '../../crypto/wrapped-secret.js'
import { KmsBuildError } from '../../errors.js'
import type { OptionsResolved } from '../../options/types.js'
import type { SecretsFile } from '../../secrets-file/parse.js'
import { currentPair, findCurrentPair } from '../../secrets-file/scopes.js'
import { type Mark, nameOf, shown } from '../collect/mark.js'
import type { Value } from '../resolve/types.js'
import { directSealer } from './direct.js'

/** The sealed value of a mark: a token of a data key pair, or a CiphertextBlob of its own. */
export type Sealed = { token: string; fingerprint: string } | Direct

export type Sealer = ReturnType<typeof createSealer>

/**
 * Seals the values of one build, or of one watch session. An unchanged value keeps its token, so
 * that a rebuild changes nothing and does not call KMS.
 */
export function createSealer(
  options: OptionsResolved,
  kms: KmsCalls,
  bounded: <T>(run: () => Promise<T>) => Promise<T>,
) {
  const encryptDirect = directSealer(kms, bounded)
  const [scope] = options.scopes
  const tokens = new Map<string, Promise<string>>()
  let fresh: Promise<DataKeyPair> | undefined

  /**
   * @throws KmsBuildError KEY_MISSING, and what `createDataKeyPair` and mode direct throw.
   */
  async function sealValue(
    mark: Mark,
    value: Value,
    secretsFile: SecretsFile | null,
  ): Promise<Sealed> {
    if (!('plaintext' in value)) return value
    if (options.mode === 'direct') return sealDirect(mark, value.plaintext, secretsFile)
    const pair = await sealingPair(mark, secretsFile)
    return {
      token: await sealOnce(pair, mark, value.plaintext),
      fingerprint: pair.fingerprint,
    }
  }

  function sealDirect(mark: Mark, plaintext: Uint8Array, secretsFile: SecretsFile | null) {
    const keyIds = keyIdsOf(secretsFile)
    if (!keyIds.length) throw keyMissing(mark)
    return encryptDirect(
      { name: nameOf(mark), place: mark.place },
      plaintext,
      keyIds,
      secretsFile
        ? currentPair(secretsFile, scope).encryptionContext
        : (options.encryptionContext ?? {}),
    )
  }

  function sealOnce(pair: DataKeyPair, mark: Mark, plaintext: Uint8Array): Promise<string> {
    const kind = mark.format === 'bytes' ? 'bytes' : 'literal'
    const digest = createHash('sha256').update(plaintext).digest('base64')
    const key = `${pair.fingerprint} ${kind} ${mark.place.file} ${nameOf(mark)} ${digest}`
    let token = tokens.get(key)
    if (!token) tokens.set(key, (token = sealToText(pair, kind, plaintext, '', options.seed)))
    return token
  }

  async function sealingPair(mark: Mark, secretsFile: SecretsFile | null): Promise<DataKeyPair> {
    if (secretsFile) return currentPair(secretsFile, scope)
    if (!options.keyIds.length) throw keyMissing(mark)
    fresh ??= createDataKeyPair(kms, options.keyIds, options.encryptionContext ?? {}).catch(
      (error) => {
        // The next build of a watch session tries again.
        fresh = undefined
        throw error
      },
    )
    return fresh
  }

  /** Returns the keys for values that get a CiphertextBlob of their own. */
  const keyIdsOf = (secretsFile: SecretsFile | null) =>
    options.keyIds.length || !secretsFile
      ? options.keyIds
      : (findCurrentPair(secretsFile, scope)?.wrapped ?? []).map(({ keyId }) => keyId)

  return {
    seal: (mark: Mark, value: Value, secretsFile: SecretsFile | null): Promise<Sealed> =>
      sealValue(mark, value, secretsFile).catch((error: unknown) => {
        throw error instanceof KmsBuildError ? error.at(mark.place) : error
      }),
    keyIdsOf,
    /** Returns the pair that a token was sealed to: the build's own, or one of the secrets file's. */
    async pairOf(fingerprint: string, secretsFile: SecretsFile | null) {
      const made = await fresh
      return made?.fingerprint === fingerprint ? made : secretsFile?.pairs.get(fingerprint)
    },
  }
}

const keyMissing = (mark: Mark) =>
  new KmsBuildError(
    'KEY_MISSING',
    `no KMS key is configured for ${shown(mark)}. Set the option keyId, or create a secrets file with npx unplugin-kms init --key ID.`,
    mark.place,
  )
