import { readFile } from 'node:fs/promises'
import { expectKeyArn } from '../aws/key-arn.js'
import { fingerprintOf, type WrappedPrivateKey } from '../crypto/data-key-pair.js'
import { checkPublicKey, suiteOf } from '../crypto/suites.js'
import { decodeToken, tokenSuite, type Token } from '../crypto/token.js'
import { KmsBuildError } from '../errors.js'
import { entryTokenReader } from './entry-token.js'
import { FieldReader, member } from './fields.js'
import { DEFAULT_SCOPE, nameProblem, scopeProblem } from './names.js'
import { versionOf } from './scopes.js'
import { strictJson } from './strict-json.js'
import type { RecoveryCopy, ScopedPair, SecretsFile } from './types.js'

export type { ScopedPair, SecretsFile } from './types.js'

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
  const file = readHead(read, json)
  const scopes = readScopes(read, file)
  const pairs = new Map(
    Object.entries(read.object(file.dataKeyPairs, 'dataKeyPairs')).map(([fingerprint, value]) => [
      fingerprint,
      readPair(read, path, fingerprint, value, scopes),
    ]),
  )
  const current = new Map(
    [...scopes].map(([scope, { where, fingerprint }]) => {
      const pair = pairs.get(fingerprint)
      const shown = JSON.stringify(fingerprint)
      if (!pair) return read.fail(`${where} is ${shown}, which is none of dataKeyPairs.`)
      if (pair.scope !== scope)
        read.fail(`${where} is ${shown}, a pair of the scope ${pair.scope}.`)
      return [scope, pair] as const
    }),
  )
  const secrets = readEntries(read, file.secrets, pairs)
  const schema = file.$schema === undefined ? {} : { schema: read.string(file.$schema, '$schema') }
  const parsed = { path, ...schema, current, pairs, secrets }
  checkVersion(read, file.version, parsed)
  return parsed
}

const REQUIRED = ['version', 'dataKeyPairs', 'secrets']
const DEFAULT_HEAD = ['encryptionContext', 'current']

/** Checks the version, and that the file has the fields of that version. */
function readHead(read: FieldReader, json: unknown): Record<string, unknown> {
  const { version, scopes } = read.object(json, 'the file')
  if (version !== 1 && version !== 2 && version !== 3)
    read.fail(
      `has version ${JSON.stringify(version)}; this release of unplugin-kms reads versions 1, 2 and 3.`,
    )
  if (version === 1 || scopes === undefined)
    return read.record(json, 'the file', [...REQUIRED, ...DEFAULT_HEAD], ['$schema'])
  // A file with scopes may lack the default one.
  return read.record(json, 'the file', REQUIRED, ['$schema', 'scopes', ...DEFAULT_HEAD])
}

/** A file has the lowest version that can represent it. */
function checkVersion(read: FieldReader, version: unknown, file: SecretsFile): void {
  const needed = versionOf(file)
  if (version !== needed)
    read.fail(
      `has version ${JSON.stringify(version)}, and its content is of version ${needed}. Restore the file (git log), or correct the version.`,
    )
}

interface ScopeHead {
  encryptionContext: Record<string, string>
  /** The fingerprint of the current pair, and the field that contains it. */
  fingerprint: string
  where: string
}

function readScopes(read: FieldReader, file: Record<string, unknown>): Map<string, ScopeHead> {
  const scopes = new Map<string, ScopeHead>()
  const add = (scope: string, head: Record<string, unknown>, prefix: string) =>
    scopes.set(scope, {
      encryptionContext: read.context(head.encryptionContext, `${prefix}encryptionContext`),
      fingerprint: read.string(head.current, `${prefix}current`),
      where: `${prefix}current`,
    })
  if (DEFAULT_HEAD.some((field) => Object.hasOwn(file, field))) add(DEFAULT_SCOPE, file, '')
  const others = file.scopes === undefined ? {} : read.object(file.scopes, 'scopes')
  for (const [scope, value] of Object.entries(others)) {
    const where = member('scopes', scope)
    const problem = scope === DEFAULT_SCOPE ? 'that scope has no name here.' : scopeProblem(scope)
    if (problem) read.fail(`${where} is not a valid scope: ${problem}`)
    add(scope, read.record(value, where, DEFAULT_HEAD), `${where}.`)
  }
  return scopes.size ? scopes : read.fail('scopes is empty.')
}

function readPair(
  read: FieldReader,
  path: string,
  fingerprint: string,
  value: unknown,
  scopes: Map<string, ScopeHead>,
): ScopedPair {
  const where = member('dataKeyPairs', fingerprint)
  const fields = ['publicKey', 'privateKeyCiphertextBlobs']
  const pair = read.record(value, where, fields, ['scope', 'recovery'])
  const scope = pair.scope === undefined ? DEFAULT_SCOPE : read.string(pair.scope, `${where}.scope`)
  const head =
    scopes.get(scope) ??
    read.fail(`${where} has the scope ${JSON.stringify(scope)}, which the file does not have.`)
  const publicKey = read.base64(pair.publicKey, `${where}.publicKey`)
  if (!checkPublicKey(publicKey))
    read.fail(`${where}.publicKey is not a P-256 or ML-KEM-1024 public key in SPKI form.`)
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
  const recovery = readRecovery(read, pair.recovery, `${where}.recovery`)
  const { encryptionContext } = head
  return { fingerprint, publicKey, wrapped, scope, recovery, encryptionContext }
}

function readRecovery(read: FieldReader, value: unknown, where: string): RecoveryCopy[] {
  if (value === undefined) return []
  return read.list(value, where).map((item, index) => {
    const at = `${where}[${index}]`
    const copy = read.record(item, at, ['recipient', 'ciphertext'])
    const recipient = read.string(copy.recipient, `${at}.recipient`)
    if (!/^age1[0-9a-z]+$/.test(recipient)) read.fail(`${at}.recipient is not an age recipient.`)
    return {
      recipient,
      ciphertext: read.base64(copy.ciphertext, `${at}.ciphertext`).toString('base64'),
    }
  })
}

function readEntries(
  read: FieldReader,
  value: unknown,
  pairs: Map<string, ScopedPair>,
): Map<string, Token> {
  const secrets = new Map<string, Token>()
  const entries = read.object(value, 'secrets')
  const readToken = entryTokenReader(pairs.values())
  for (const name of Object.keys(entries)) {
    const item = entries[name]
    const token = nameProblem(name) || typeof item !== 'string' ? undefined : readToken(item)
    secrets.set(name, token ?? readEntry(read, name, item, pairs))
  }
  return secrets
}

/** Reads an entry in full, to report why it is invalid. */
function readEntry(
  read: FieldReader,
  name: string,
  item: unknown,
  pairs: Map<string, ScopedPair>,
): Token {
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
  const pair = pairs.get(token.fingerprint)
  if (!pair)
    return wrong(
      `is sealed to ${token.fingerprint}, which is none of dataKeyPairs. It came from another file: delete the line, then set the entry here: npx unplugin-kms set.`,
    )
  if (tokenSuite(token) !== suiteOf(pair))
    wrong(`is a token of ${tokenSuite(token)}, and its data key pair is of ${suiteOf(pair)}.`)
  return token
}
