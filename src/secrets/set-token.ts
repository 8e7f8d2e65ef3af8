import { suiteOf } from '../crypto/suites.js'
import { decodeToken, tokenSuite } from '../crypto/token.js'
import { KmsBuildError } from '../errors.js'
import { editSecretsFile, type EditResult } from '../secrets-file/edit.js'
import type { SecretsOptions } from '../secrets-file/locate.js'
import { checkName } from '../secrets-file/names.js'
import { isStale } from '../secrets-file/scopes.js'
import { rejectMove } from './set.js'

/**
 * Stores a token that somebody else sealed, for example in the page of `unplugin-kms page`. Needs no
 * AWS. The name is part of the encryption, so a token of another name cannot be decrypted later.
 *
 * @throws KmsBuildError NAME_INVALID, TOKEN_INVALID, TOKEN_FOREIGN, SCOPE_MISMATCH, and what `editSecretsFile` throws.
 */
export async function setToken(
  name: string,
  text: string,
  options: SecretsOptions = {},
): Promise<EditResult<{ added: string[]; replaced: string[] }>> {
  checkName(name)
  const token = decodeToken(text.trim())
  if ('invalid' in token)
    throw new KmsBuildError(
      'TOKEN_INVALID',
      `the token for ${name} is malformed: ${token.invalid}. Copy it again.`,
    )
  if (token.kind !== 'named')
    throw new KmsBuildError(
      'TOKEN_INVALID',
      `the token for ${name} was sealed as a literal, not as an entry of a secrets file. Use it as secret('kms:v1:…'), or seal it for the entry.`,
    )
  return editSecretsFile(options, 'check', (file) => {
    const pair = file.pairs.get(token.fingerprint)
    if (!pair || isStale(file, pair))
      throw new KmsBuildError(
        'TOKEN_FOREIGN',
        `the token for ${name} is sealed to ${token.fingerprint}, which is ${pair ? 'an earlier' : 'not a'} data key pair of ${file.path}. Send a page of the file as it is now: npx unplugin-kms page.`,
      )
    if (suiteOf(pair) !== tokenSuite(token))
      throw new KmsBuildError(
        'TOKEN_INVALID',
        `the token for ${name} is of ${tokenSuite(token)}, and its data key pair is of ${suiteOf(pair)}: it was altered. Copy it again.`,
      )
    rejectMove(file, name, pair.scope)
    const isKnown = file.secrets.has(name)
    file.secrets.set(name, token)
    return { added: isKnown ? [] : [name], replaced: isKnown ? [name] : [] }
  })
}
