import { suiteOf } from '../../crypto/suites.js'
import { decodeToken, looksLikeToken, tokenSuite, type Token } from '../../crypto/token.js'
import type { Mark } from '../collect/mark.js'
import { sealedValue } from './named.js'
import { plaintextOf } from './plaintext.js'
import { refuse } from './refuse.js'
import type { Sources, Value } from './types.js'

/** Parses the token of a literal. @throws KmsBuildError TOKEN_INVALID, TOKEN_NAMED. */
export function tokenIn(mark: Mark): Token {
  const token = decodeToken(mark.argument)
  if ('invalid' in token) {
    return refuse(
      'TOKEN_INVALID',
      `the literal starts with kms:v but is not a valid token: ${token.invalid}. Copy it again.`,
      mark,
    )
  }
  if (token.sequence !== undefined)
    return refuse(
      'TOKEN_INVALID',
      'a build sealed this token, for its own bundle only. Seal the value for the source: npx unplugin-kms encrypt.',
      mark,
    )
  if (token.kind !== 'named') return token
  return refuse(
    'TOKEN_NAMED',
    "this token is an entry of a secrets file and bound to its name. Use secret.named('NAME').",
    mark,
  )
}

/**
 * Returns the value of a literal: a plaintext, or a token of one of the secrets file's pairs.
 *
 * @throws KmsBuildError TOKEN_INVALID, TOKEN_NAMED, TOKEN_FOREIGN, SCOPE_FORBIDDEN,
 *   SECRETS_FILE_MISSING, and what
 *   `plaintextOf` throws.
 */
export function fromLiteral(mark: Mark, sources: Sources): Value {
  const { secretsFile, secretsFilePath } = sources
  if (!looksLikeToken(mark.argument)) return plaintextOf(mark, mark.argument)
  const token = tokenIn(mark)
  if (!secretsFile) {
    return refuse(
      'SECRETS_FILE_MISSING',
      `the token is sealed to ${token.fingerprint}, and the secrets file ${secretsFilePath} does not exist. Set the option secretsFile to the file with its data key pair.`,
      mark,
    )
  }
  const pair = secretsFile.pairs.get(token.fingerprint)
  if (pair && suiteOf(pair) !== tokenSuite(token))
    return refuse(
      'TOKEN_INVALID',
      `the literal is a token of ${tokenSuite(token)}, and its data key pair is of ${suiteOf(pair)}: it was altered. Seal the value again.`,
      mark,
    )
  return sealedValue(mark, token, secretsFile, sources.scopes)
}
