import type { Mark } from '../collect/mark.js'
import { plaintextOf } from './plaintext.js'
import { refuse } from './refuse.js'
import type { Sources } from './types.js'

/** @throws KmsBuildError ENV_UNSET, and what `plaintextOf` throws. */
export function fromEnv(mark: Mark, { env }: Sources) {
  const name = mark.argument
  const value: unknown = env[name]
  // Of a name such as `constructor` every object has a value, and it is no text.
  if (typeof value === 'string') return plaintextOf(mark, value)
  return refuse(
    'ENV_UNSET',
    `the environment variable ${name} is not set. Set it for the build, or move the secret to the secrets file: npx unplugin-kms set ${name}.`,
    mark,
  )
}
