import { KmsBuildError } from '../../errors.js'
import type { Mark } from '../collect/mark.js'
import { plaintextOf } from './plaintext.js'
import { refuse } from './refuse.js'
import type { Sources } from './types.js'

/**
 * Reads a variable of the build's environment.
 *
 * @throws KmsBuildError ENV_UNSET, PLAINTEXT_ENCODING, DOTENV_AMBIGUOUS, and what `plaintextOf` throws.
 */
export function fromEnv(mark: Mark, { env }: Pick<Sources, 'env'>) {
  const name = mark.argument
  const value = variable(mark, env)
  if (typeof value === 'string') {
    // Node replaces bytes that are not UTF-8 by this character.
    if (value.includes('\ufffd'))
      refuse(
        'PLAINTEXT_ENCODING',
        `the environment variable ${name} is not encoded in UTF-8. Put its bytes into a file: secret.file(path, 'bytes').`,
        mark,
      )
    return plaintextOf(mark, value)
  }
  return refuse(
    'ENV_UNSET',
    `the environment variable ${name} is not set. Set it for the build, or move the secret to the secrets file: npx unplugin-kms set ${name}.`,
    mark,
  )
}

/** Returns the value of a variable. Names such as `constructor` have values that are not strings. */
function variable({ argument, place }: Mark, env: Sources['env']): unknown {
  try {
    return env[argument]
  } catch (error) {
    throw error instanceof KmsBuildError ? error.at(place) : error
  }
}
