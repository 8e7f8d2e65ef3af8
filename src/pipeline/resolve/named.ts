import { encodeToken, type Token } from '../../crypto/token.js'
import type { SecretsFile } from '../../secrets-file/parse.js'
import { didYouMean } from '../../util/did-you-mean.js'
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
    const names = [...secretsFile.secrets.keys()]
    const some = names.slice(0, 10).join(', ')
    return refuse(
      'NAME_UNKNOWN',
      `${secretsFile.path} has no entry named ${name}${some && ` (it has ${some})`}. ${didYouMean(name, names)}Add it with npx unplugin-kms set ${name}.`,
      mark,
    )
  }
  return sealedValue(mark, token, secretsFile)
}

/** Checks that the secrets file has the token's data key pair. @throws KmsBuildError TOKEN_FOREIGN. */
export function sealedValue(mark: Mark, token: Token, { pairs, path }: SecretsFile): Value {
  const { fingerprint } = token
  if (pairs.has(fingerprint)) return { token: encodeToken(token), fingerprint }
  return refuse(
    'TOKEN_FOREIGN',
    `the token is sealed to ${fingerprint}, which is none of the data key pairs of ${path}. It belongs to another secrets file (another stage?): seal the value again for this one.`,
    mark,
  )
}
