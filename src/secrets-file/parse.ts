import { readFile } from 'node:fs/promises'
import { expectKeyArn } from '../aws/key-arn.js'
import {
  fingerprintOf,
  isP256,
  type DataKeyPair,
  type WrappedPrivateKey,
} from '../crypto/data-key-pair.js'
import { decodeToken, type Token } from '../crypto/token.js'
import { KmsBuildError } from '../errors.js'
import { FieldReader, member } from './fields.js'
import { DEFAULT_SCOPE, nameProblem } from './names.js'
import { strictJson } from './strict-json.js'

/** A data key pair of a secrets file. */
export interface ScopedPair extends DataKeyPair {
  /** The name of its scope. All pairs of a scope have one encryption context. */
  scope: string
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

/**
 * @returns null if there is no such file.
 * @throws KmsBuildError SECRETS_FILE_INVALID.
 */
export async function readSecretsFile(path: string): Promise<SecretsFile | null> {
  try {
    return parseSecretsFile(await readFile(path, 'utf8'), path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    if (error instanceof KmsBuildError) throw error
    throw new KmsBuildError(
      'SECRETS_FILE_INVALID',
      `${path}: cannot be read (${code}). It must be a file that you may read.`,
    )
  }
}

/**
 * Parses a secrets file. Checks every field and rejects unknown ones: this file decides who can
 * decrypt.
 *
 * @throws KmsBuildError SECRETS_FILE_INVALID.
 */
export function parseSecretsFile(text: string, path: string): SecretsFile {
  const read = new FieldReader(path, text)
  const json = strictJson(text, read.fail)
  const { version } = read.object(json, 'the file')
  if (version !== 1)
    read.fail(
      `has version ${JSON.stringify(version)}; this release of unplugin-kms reads version 1.`,
    )
  const file = read.record(
    json,
    'the file',
    ['version', 'encryptionContext', 'current', 'dataKeyPairs', 'secrets'],
    ['$schema'],
  )
  const encryptionContext = read.context(file.encryptionContext, 'encryptionContext')
  const pairs = new Map(
    Object.entries(read.object(file.dataKeyPairs, 'dataKeyPairs')).map(([fingerprint, value]) => [
      fingerprint,
      { ...readPair(read, path, fingerprint, value), scope: DEFAULT_SCOPE, encryptionContext },
    ]),
  )
  const fingerprint = read.string(file.current, 'current')
  const current =
    pairs.get(fingerprint) ??
    read.fail(`current is ${JSON.stringify(fingerprint)}, which is none of dataKeyPairs.`)
  return {
    path,
    ...(file.$schema !== undefined && { schema: read.string(file.$schema, '$schema') }),
    current: new Map([[DEFAULT_SCOPE, current]]),
    pairs,
    secrets: readEntries(read, file.secrets, pairs),
  }
}

function readPair(read: FieldReader, path: string, fingerprint: string, value: unknown) {
  const where = member('dataKeyPairs', fingerprint)
  const pair = read.record(value, where, ['publicKey', 'privateKeyCiphertextBlobs'])
  const publicKey = read.base64(pair.publicKey, `${where}.publicKey`)
  if (!isP256(publicKey)) read.fail(`${where}.publicKey is not a P-256 public key in SPKI form.`)
  if (fingerprintOf(publicKey) !== fingerprint) {
    read.fail(
      `${where}: the public key's fingerprint is ${fingerprintOf(publicKey)}. Someone changed the key or its name: do not build, and find out who did (git log).`,
    )
  }
  const blobs = `${where}.privateKeyCiphertextBlobs`
  const wrapped = read
    .list(pair.privateKeyCiphertextBlobs, blobs)
    .map((item, index): WrappedPrivateKey => {
      const at = `${blobs}[${index}]`
      const blob = read.record(item, at, ['keyId', 'ciphertextBlob'])
      const keyId = read.string(blob.keyId, `${at}.keyId`)
      expectKeyArn(keyId, `${path}: ${at}.keyId`)
      const bytes = read.base64(blob.ciphertextBlob, `${at}.ciphertextBlob`)
      return { keyId, ciphertextBlob: bytes.toString('base64') }
    })
  return { fingerprint, publicKey, wrapped }
}

function readEntries(
  read: FieldReader,
  value: unknown,
  pairs: Map<string, ScopedPair>,
): Map<string, Token> {
  const secrets = new Map<string, Token>()
  for (const [name, item] of Object.entries(read.object(value, 'secrets'))) {
    const entry = member('secrets', name)
    const problem = nameProblem(name)
    if (problem) read.fail(`${entry} is not a valid name: ${problem}`)
    const text = read.string(item, entry)
    const token = decodeToken(text)
    const wrong = (what: string) => read.failAtValue(text, `${entry} ${what}`)
    if ('invalid' in token) return wrong(`is not a valid token: ${token.invalid}.`)
    if (token.kind !== 'named')
      wrong(
        `is a token of kind ${token.kind}; an entry is sealed to its name. Delete the line, then set the entry: npx unplugin-kms set.`,
      )
    if (!pairs.has(token.fingerprint))
      wrong(
        `is sealed to ${token.fingerprint}, which is none of dataKeyPairs. It came from another file: delete the line, then set the entry here: npx unplugin-kms set.`,
      )
    secrets.set(name, token)
  }
  return secrets
}
