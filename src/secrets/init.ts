import { kmsCalls } from '../aws/kms.js'
import { KmsBuildError } from '../errors.js'
import { secretsFilePath, type SecretsOptions } from '../secrets-file/locate.js'
import { withLock } from '../secrets-file/lock.js'
import { checkScopeName, DEFAULT_SCOPE } from '../secrets-file/names.js'
import { readSecretsFile, type SecretsFile } from '../secrets-file/parse.js'
import { recoveryWarnings } from '../secrets-file/recovery.js'
import { checkDistinctScopes, makeCurrent } from '../secrets-file/scopes.js'
import { newSecretsFile } from '../secrets-file/serialize.js'
import { pinOf, trustStateOf } from '../secrets-file/trust-state.js'
import { checkTrust, writeTrusted } from '../secrets-file/trust.js'
import { createTypes } from '../secrets-file/typings.js'
import { createScopedPair } from './scoped-pair.js'
import { notIncluded } from './typings-included.js'

/** The `$schema` of new files: editors check and explain their fields. */
export const SCHEMA = 'https://unpkg.com/unplugin-kms/kms-secrets.schema.json'

export interface InitOptions extends SecretsOptions {
  /** Key ids, key ARNs, aliases or alias ARNs. Each of these KMS keys can decrypt. */
  keyIds: string[]
  encryptionContext?: Record<string, string>
  /** Whether the pair is of ML-KEM-1024, which Node.js 24.7 and later open. Default: false. */
  postQuantum?: boolean
  /** The scope of the pair. Added to the file if it exists. Default: `default`. */
  scope?: string
  /** age recipients (`age1…`) that can decrypt without KMS. Default: none. */
  recovery?: string[]
  /** Whether a TypeScript project gets a declaration of the names. Default: true. */
  types?: boolean
}

export interface InitResult {
  path: string
  fingerprint: string
  scope: string
  /** For the plugin's option `pin`. */
  pin: string
  keyArns: string[]
  /** The declaration that was created. */
  types: string | undefined
  warnings: string[]
}

/**
 * Creates a data key pair, and a secrets file or a scope in the existing file for it.
 * `createDataKeyPair` documents where the pair is created.
 *
 * @throws KmsBuildError SECRETS_FILE_EXISTS, NAME_INVALID, OPTIONS_INVALID, PIN_MISMATCH, KMS_DENIED,
 *   KMS_UNREACHABLE, KMS_FAILED, FILE_LOCKED, FILE_UNWRITABLE.
 */
export async function initSecretsFile(options: InitOptions): Promise<InitResult> {
  const { keyIds, encryptionContext = {}, scope = DEFAULT_SCOPE, aws = {}, types = true } = options
  checkScopeName(scope)
  if (!keyIds.length)
    throw new KmsBuildError(
      'KEY_MISSING',
      'no KMS key is given. Give --key ID: a key id, key ARN or alias.',
    )
  const path = secretsFilePath(options)
  return withLock(path, async (stillHeld) => {
    const present = await fileToExtend(path, scope)
    const before = present && trustStateOf(present)
    const warnings = present ? await checkTrust(present, options.trust) : []
    const pair = await createScopedPair({
      kms: kmsCalls(aws),
      keyIds,
      encryptionContext,
      suite: options.postQuantum ? 'ML-KEM-1024' : 'P-256',
      scope,
      recovery: options.recovery ?? [],
    })
    const file = present ?? { ...newSecretsFile(path, pair, scope), schema: SCHEMA }
    if (present) makeCurrent(file, pair)
    checkDistinctScopes(file)
    stillHeld()
    warnings.push(...(await writeTrusted(file, before)))
    const created = types && !present ? await createTypes(file) : { path: undefined, warnings: [] }
    const unread = created.path && (await notIncluded(created.path))
    if (unread) created.warnings.push(unread)
    return {
      path,
      fingerprint: pair.fingerprint,
      scope,
      pin: pinOf(trustStateOf(file)),
      keyArns: pair.wrapped.map(({ keyId }) => keyId),
      types: created.path,
      warnings: [...warnings, ...recoveryWarnings([pair]), ...created.warnings],
    }
  })
}

/**
 * Fails if the secrets file exists and has the scope already.
 *
 * @throws KmsBuildError SECRETS_FILE_EXISTS.
 */
export async function rejectExisting(options: SecretsOptions & { scope?: string }): Promise<void> {
  await fileToExtend(secretsFilePath(options), options.scope ?? DEFAULT_SCOPE)
}

/**
 * Returns the present file if the scope is new to it; undefined if there is none.
 *
 * @throws KmsBuildError SECRETS_FILE_EXISTS.
 */
async function fileToExtend(path: string, scope: string): Promise<SecretsFile | undefined> {
  const file = await readSecretsFile(path).catch((error: unknown) => {
    if (scope !== DEFAULT_SCOPE) throw error
    // A malformed file must not be overwritten either.
    throw exists(path, scope)
  })
  if (!file) return undefined
  if (file.current.has(scope)) throw exists(path, scope)
  return file
}

const exists = (path: string, scope: string) =>
  new KmsBuildError(
    'SECRETS_FILE_EXISTS',
    scope === DEFAULT_SCOPE
      ? `${path} exists already. For a new data key pair use npx unplugin-kms rotate; for a file of another stage or package give --file PATH; for another scope give --scope NAME.`
      : `${path} already has the scope ${scope}. For a new data key pair use npx unplugin-kms rotate --scope ${scope}.`,
  )
