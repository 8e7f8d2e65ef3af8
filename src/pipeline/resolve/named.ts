import { decodeToken } from '../../crypto/token.js'
import type { SecretsFile } from '../../secrets-file/parse.js'
import type { Mark } from '../collect/mark.js'
import { refuse } from './refuse.js'
import type { Sources, Value } from './types.js'

/** @throws KmsBuildError SECRETS_FILE_MISSING, NAME_UNKNOWN, TOKEN_FOREIGN. */
export function fromSecretsFile(mark: Mark, { secretsFile, secretsFilePath }: Sources): Value {
  const name = mark.argument
  if (!secretsFile) {
    return refuse(
      'SECRETS_FILE_MISSING',
      `secret.named('${name}') needs a secrets file, and there is none at ${secretsFilePath}. Make one with npx unplugin-kms init, or name it with the option secretsFile.`,
      mark,
    )
  }
  const token = secretsFile.secrets.get(name)
  if (token === undefined) {
    const names = [...secretsFile.secrets.keys()].slice(0, 10).join(', ')
    return refuse(
      'NAME_UNKNOWN',
      `${secretsFile.path} has no secret ${name}${names && ` (it has ${names})`}. Add it with npx unplugin-kms set ${name}.`,
      mark,
    )
  }
  const decoded = decodeToken(token) as { fingerprint: string }
  return known(mark, token, decoded.fingerprint, secretsFile)
}

/** A token whose data key pair the secrets file has. */
export function known(
  mark: Mark,
  token: string,
  fingerprint: string,
  { pairs, path }: SecretsFile,
): Value {
  if (pairs.has(fingerprint)) return { token, fingerprint }
  return refuse(
    'TOKEN_FOREIGN',
    `the token is sealed to ${fingerprint}, which is none of the data key pairs of ${path}. It belongs to another secrets file (another stage?): seal it anew for this one.`,
    mark,
  )
}
