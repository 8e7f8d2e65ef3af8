import { createDataKeyPair } from '../aws/create-data-key-pair.js'
import { kmsCalls } from '../aws/kms.js'
import { publicKeyDigest } from '../crypto/data-key-pair.js'
import { KmsBuildError } from '../errors.js'
import { rememberPins } from '../secrets-file/known-pins.js'
import { secretsFilePath, type SecretsOptions } from '../secrets-file/locate.js'
import { withLock } from '../secrets-file/lock.js'
import { readSecretsFile } from '../secrets-file/parse.js'
import { newSecretsFile, writeSecretsFile } from '../secrets-file/serialize.js'
import { createTypes } from '../secrets-file/typings.js'
import { notIncluded } from './typings-included.js'

export interface InitOptions extends Omit<SecretsOptions, 'trust'> {
  /** Key ids, key ARNs, aliases or alias ARNs; all of them may open what is sealed. */
  keyIds: string[]
  encryptionContext?: Record<string, string>
  /** Whether a TypeScript project gets a declaration of the names. Default: true. */
  types?: boolean
}

export interface Initialised {
  path: string
  fingerprint: string
  /** For the plugin's option `pin`. */
  pin: string
  keyArns: string[]
  /** The declaration that was made. */
  types: string | undefined
  warnings: string[]
}

/**
 * Makes a secrets file with a new data key pair; `createDataKeyPair` says where that is made.
 *
 * @throws KmsBuildError SECRETS_FILE_EXISTS, KMS_DENIED, KMS_UNREACHABLE, KMS_FAILED, FILE_LOCKED,
 *   FILE_UNWRITABLE.
 */
export async function initSecretsFile(options: InitOptions): Promise<Initialised> {
  const { keyIds, encryptionContext = {}, aws = {}, types = true } = options
  if (!keyIds.length)
    throw new KmsBuildError(
      'KEY_MISSING',
      'nothing says which KMS key may open the secrets. Give --key ID: a key id, key ARN or alias.',
    )
  const path = secretsFilePath(options)
  return withLock(path, async (stillHeld) => {
    await rejectExisting(options)
    const pair = await createDataKeyPair(kmsCalls(aws), keyIds, encryptionContext)
    const file = newSecretsFile(path, pair)
    stillHeld()
    const warnings = await rememberPins(file)
    await writeSecretsFile(file)
    const typings = types ? await createTypes(file) : undefined
    const unread = typings && (await notIncluded(typings))
    if (unread) warnings.push(unread)
    return {
      path,
      fingerprint: pair.fingerprint,
      pin: publicKeyDigest(pair.publicKey),
      keyArns: pair.wrapped.map(({ keyId }) => keyId),
      types: typings,
      warnings,
    }
  })
}

/** Fails if the secrets file exists. @throws KmsBuildError SECRETS_FILE_EXISTS. */
export async function rejectExisting(options: SecretsOptions): Promise<void> {
  const path = secretsFilePath(options)
  // A file that is there but broken is not ours to overwrite either.
  if ((await readSecretsFile(path).catch(() => true)) === null) return
  throw new KmsBuildError(
    'SECRETS_FILE_EXISTS',
    `${path} exists already, and everything sealed to it needs it. For a new data key pair use npx unplugin-kms rotate; for a file of another stage or package give --file PATH.`,
  )
}
