import { readFile } from 'node:fs/promises'
import { dirname, resolve as resolvePath } from 'node:path'
import type { Mark } from '../collect/collect.js'
import { KmsBuildError } from '../errors.js'
import type { SecretsFile } from '../seal/secrets-file.js'
import { decodeToken, looksLikeToken } from '../seal/token.js'

/** A mark's value: a plaintext that is still to be sealed, or a token that passes through. */
export type Value = { plaintext: Uint8Array } | { token: string; fingerprint: string }

export interface Sources {
  env: Record<string, string | undefined>
  secretsFile: SecretsFile | null
  /** Where the secrets file is, or would be. */
  secretsFilePath: string
}

/** The name that a mark goes by in messages, manifests and inspected objects; never a value. */
export const nameOf = ({ source, argument, place }: Mark) =>
  source === 'literal' ? `${place.file}:${place.line}` : argument

/** The file that a `secret.file` mark reads, relative to its module. */
export const fileOf = ({ argument }: Mark, id: string) => resolvePath(dirname(id), argument)

/**
 * Fetches a mark's value from its source.
 *
 * @param id the module's path, without a query.
 * @throws KmsBuildError ENV_UNSET, FILE_UNREADABLE, JSON_INVALID, NAME_UNKNOWN, PLAINTEXT_EMPTY,
 *   PLAINTEXT_LONE_SURROGATE, SECRETS_FILE_MISSING, TOKEN_FOREIGN, TOKEN_INVALID, TOKEN_NAMED.
 */
export async function resolve(mark: Mark, id: string, sources: Sources): Promise<Value> {
  switch (mark.source) {
    case 'literal':
      return looksLikeToken(mark.argument) ? sealedLiteral(mark, sources) : plaintext(mark, mark.argument)
    case 'env':
      return plaintext(mark, fromEnv(mark, sources))
    case 'named':
      return named(mark, sources)
    case 'file':
      return fromFile(mark, fileOf(mark, id))
  }
}

const fail = (...[code, message, { place }]: [ConstructorParameters<typeof KmsBuildError>[0], string, Mark]): never => {
  throw new KmsBuildError(code, message, place)
}

function plaintext(mark: Mark, text: string): Value {
  if (text === '') fail('PLAINTEXT_EMPTY', `the value of ${shown(mark)} is empty. An empty secret is a mistake more often than not: give it a value or drop the mark.`, mark)
  if (!text.isWellFormed()) fail('PLAINTEXT_LONE_SURROGATE', `the value of ${shown(mark)} has a lone surrogate, which UTF-8 cannot carry. For bytes use secret.file(path, 'bytes').`, mark)
  if (looksLikeToken(text)) {
    fail('TOKEN_INVALID', `the value of ${shown(mark)} begins kms:v as a sealed token does, and only a literal or an entry of the secrets file can be one. Use secret('kms:v1:…') or secret.named().`, mark)
  }
  return { plaintext: Buffer.from(text, 'utf8') }
}

function fromEnv(mark: Mark, { env }: Sources): string {
  return (
    env[mark.argument] ??
    fail('ENV_UNSET', `the environment variable ${mark.argument} is not set. Set it for the build, or move the secret to the secrets file: npx unplugin-kms set ${mark.argument}.`, mark)
  )
}

async function fromFile(mark: Mark, path: string): Promise<Value> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    return fail('FILE_UNREADABLE', `${path} cannot be read (${(error as NodeJS.ErrnoException).code}). The path is relative to the module.`, mark)
  }
  if (mark.format === 'bytes' && bytes.length) return { plaintext: bytes }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return fail('FILE_UNREADABLE', `${path} is no UTF-8 text. Take its bytes: secret.file('${mark.argument}', 'bytes').`, mark)
  }
  if (mark.format === 'json') {
    try {
      JSON.parse(text)
    } catch {
      return fail('JSON_INVALID', `${path} is no JSON.`, mark)
    }
  }
  return plaintext(mark, text)
}

function sealedLiteral(mark: Mark, { secretsFile, secretsFilePath }: Sources): Value {
  const token = decodeToken(mark.argument)
  if ('invalid' in token) {
    return fail('TOKEN_INVALID', `the literal begins kms:v but is no valid token: ${token.invalid}. Was it cut off when it was copied?`, mark)
  }
  if (token.kind === 'named') {
    return fail('TOKEN_NAMED', "this token is an entry of a secrets file and bound to its name. Use secret.named('NAME').", mark)
  }
  if (!secretsFile) {
    return fail('SECRETS_FILE_MISSING', `the token is sealed to ${token.fingerprint}, and there is no secrets file ${secretsFilePath} that holds its data key pair. Name it with the option secretsFile.`, mark)
  }
  return known(mark, mark.argument, token.fingerprint, secretsFile)
}

function named(mark: Mark, { secretsFile, secretsFilePath }: Sources): Value {
  const name = mark.argument
  if (!secretsFile) {
    return fail('SECRETS_FILE_MISSING', `secret.named('${name}') needs a secrets file, and there is none at ${secretsFilePath}. Make one with npx unplugin-kms init, or name it with the option secretsFile.`, mark)
  }
  const token = secretsFile.secrets.get(name)
  if (token === undefined) {
    const names = [...secretsFile.secrets.keys()].slice(0, 10).join(', ')
    return fail('NAME_UNKNOWN', `${secretsFile.path} has no secret ${name}${names && ` (it has ${names})`}. Add it with npx unplugin-kms set ${name}.`, mark)
  }
  const decoded = decodeToken(token) as { fingerprint: string }
  return known(mark, token, decoded.fingerprint, secretsFile)
}

function known(mark: Mark, token: string, fingerprint: string, { pairs, path }: SecretsFile): Value {
  if (pairs.has(fingerprint)) return { token, fingerprint }
  return fail('TOKEN_FOREIGN', `the token is sealed to ${fingerprint}, which is none of the data key pairs of ${path}. It belongs to another secrets file (another stage?): seal it anew for this one.`, mark)
}

/** The mark as its author wrote it, a literal aside. */
export const shown = ({ source, argument }: Mark) => (source === 'literal' ? 'this literal' : `secret.${source}('${argument}')`)
