import { readFile } from 'node:fs/promises'
import { expectKeyArn } from '../aws/key-arn.js'
import {
  fingerprintOf,
  isP256,
  type DataKeyPair,
  type WrappedPrivateKey,
} from '../crypto/data-key-pair.js'
import { decodeToken } from '../crypto/token.js'
import { KmsBuildError } from '../errors.js'
import { lineAt, strictJson } from './strict-json.js'

/** A secrets file, read and checked. */
export interface SecretsFile {
  path: string
  /** The file's `$schema`, kept when it is written. */
  schema?: string
  encryptionContext: Record<string, string>
  /** The fingerprint that sealing uses. */
  current: string
  pairs: Map<string, DataKeyPair>
  /** Entries by name: tokens of kind named. */
  secrets: Map<string, string>
}

/**
 * @returns null where there is no such file.
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

/** Every field is checked, and unknown ones are refused: who edits this file chooses who reads. */
export function parseSecretsFile(text: string, path: string): SecretsFile {
  const fail = (what: string, line?: number): never => {
    throw new KmsBuildError('SECRETS_FILE_INVALID', `${path}${line ? `:${line}` : ''}: ${what}`)
  }
  const object = (value: unknown, where: string): Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : fail(`${where} is not an object.`)
  const string = (value: unknown, where: string): string =>
    typeof value === 'string' && value !== ''
      ? value
      : fail(`${where} is not a string, or is empty.`)
  const fields = (value: unknown, where: string, required: string[], optional: string[] = []) => {
    const record = object(value, where)
    const unknown = Object.keys(record).find((key) => ![...required, ...optional].includes(key))
    if (unknown !== undefined)
      fail(`${where} has an unknown field "${unknown}". Allowed: ${required.join(', ')}.`)
    const missing = required.find((key) => !Object.hasOwn(record, key))
    return missing ? fail(`${where} has no field "${missing}".`) : record
  }
  const base64 = (value: unknown, where: string): Buffer => {
    const encoded = string(value, where)
    const bytes = Buffer.from(encoded, 'base64')
    return bytes.toString('base64') === encoded ? bytes : fail(`${where} is not canonical base64.`)
  }

  const json = strictJson(text, fail)
  const { version } = object(json, 'the file')
  if (version !== 1)
    fail(`has version ${JSON.stringify(version)}; this release of unplugin-kms reads version 1.`)
  const file = fields(
    json,
    'the file',
    ['version', 'encryptionContext', 'current', 'dataKeyPairs', 'secrets'],
    ['$schema'],
  )

  const encryptionContext = Object.fromEntries(
    Object.entries(object(file.encryptionContext, 'encryptionContext')).map(([key, value]) => [
      key,
      string(value, `encryptionContext.${key}`),
    ]),
  )
  const pairs = new Map<string, DataKeyPair>()
  for (const [fingerprint, value] of Object.entries(object(file.dataKeyPairs, 'dataKeyPairs'))) {
    const where = `dataKeyPairs.${fingerprint}`
    const pair = fields(value, where, ['publicKey', 'privateKeyCiphertextBlobs'])
    const publicKey = base64(pair.publicKey, `${where}.publicKey`)
    if (!isP256(publicKey)) fail(`${where}.publicKey is no P-256 public key in SPKI form.`)
    if (fingerprintOf(publicKey) !== fingerprint) {
      fail(
        `${where}: the public key's fingerprint is ${fingerprintOf(publicKey)}. Someone changed the key or its name: do not build, and look who did (git log).`,
      )
    }
    const blobs = pair.privateKeyCiphertextBlobs
    if (!Array.isArray(blobs) || !blobs.length)
      fail(`${where}.privateKeyCiphertextBlobs is not a list, or is empty.`)
    const wrapped = (blobs as unknown[]).map((item, index): WrappedPrivateKey => {
      const at = `${where}.privateKeyCiphertextBlobs[${index}]`
      const blob = fields(item, at, ['keyId', 'ciphertextBlob'])
      const keyId = string(blob.keyId, `${at}.keyId`)
      expectKeyArn(keyId, `${path}: ${at}.keyId`)
      base64(blob.ciphertextBlob, `${at}.ciphertextBlob`)
      return { keyId, ciphertextBlob: blob.ciphertextBlob as string }
    })
    pairs.set(fingerprint, { fingerprint, publicKey, wrapped, encryptionContext })
  }
  const current = string(file.current, 'current')
  if (!pairs.has(current)) fail(`current is ${current}, which is none of dataKeyPairs.`)

  const secrets = new Map<string, string>()
  for (const [name, value] of Object.entries(object(file.secrets, 'secrets'))) {
    const token = decodeToken(string(value, `secrets.${name}`))
    const wrong = (what: string) =>
      fail(`secrets.${name} ${what}`, lineAt(text, text.indexOf(`"${value as string}"`)))
    if ('invalid' in token) return wrong(`is no valid token: ${token.invalid}.`)
    if (token.kind !== 'named')
      wrong(
        `is a token of kind ${token.kind}; an entry is sealed to its name. Delete the line, then set the entry: npx unplugin-kms set.`,
      )
    if (!pairs.has(token.fingerprint))
      wrong(
        `is sealed to ${token.fingerprint}, which is none of dataKeyPairs. It came from another file: delete the line, then set the entry here: npx unplugin-kms set.`,
      )
    secrets.set(name, value as string)
  }
  const schema = file.$schema === undefined ? {} : { schema: string(file.$schema, '$schema') }
  return { path, ...schema, encryptionContext, current, pairs, secrets }
}
