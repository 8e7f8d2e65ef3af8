import { encodeToken, type Token } from '../../crypto/token.js'
import type { SecretsFile } from '../../secrets-file/parse.js'
import { didYouMean } from '../../util/did-you-mean.js'
import { nameOf, type Mark } from '../collect/mark.js'
import { refuse } from './refuse.js'
import type { Sources, Value } from './types.js'

/**
 * Returns the token of an entry of the secrets file.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, NAME_UNKNOWN, SCOPE_FORBIDDEN.
 */
export function fromSecretsFile(mark: Mark, sources: Sources): Value {
  const { secretsFile, secretsFilePath, scopes } = sources
  const name = mark.argument
  if (!secretsFile) {
    return refuse(
      'SECRETS_FILE_MISSING',
      `secret.named('${name}') needs a secrets file, and ${secretsFilePath} does not exist. Create it with npx unplugin-kms init, or set the option secretsFile.`,
      mark,
    )
  }
  const token = secretsFile.secrets.get(name)
  if (token === undefined) {
    const names = [...secretsFile.secrets.keys()]
    const some = names.slice(0, 10).join(', ')
    return refuse(
      'NAME_UNKNOWN',
      `${secretsFile.path} has no entry named ${name}${some && ` (it has ${some})`}. ${didYouMean(name, names)}Add it with npx unplugin-kms set ${name}.`,
      mark,
    )
  }
  return sealedValue(mark, token, secretsFile, scopes)
}

/**
 * Checks that the secrets file has the token's data key pair, and that its scope is allowed.
 *
 * @throws KmsBuildError TOKEN_FOREIGN, SCOPE_FORBIDDEN.
 */
export function sealedValue(
  mark: Mark,
  token: Token,
  { pairs, path }: SecretsFile,
  scopes: string[],
): Value {
  const { fingerprint } = token
  const pair = pairs.get(fingerprint)
  if (pair && (!scopes.length || scopes.includes(pair.scope)))
    return { token: encodeToken(token), fingerprint }
  if (pair)
    return refuse(
      'SCOPE_FORBIDDEN',
      `${nameOf(mark)} belongs to the scope ${pair.scope} of ${path}, and the option scopes allows only ${scopes.join(', ')}. Add the scope to the option if this function may decrypt it; if not, use a secret of its own scope.`,
      mark,
    )
  return refuse(
    'TOKEN_FOREIGN',
    `the token is sealed to ${fingerprint}, which is not a data key pair of ${path}. It belongs to another secrets file (of another stage?): seal the value again for this one.`,
    mark,
  )
}
