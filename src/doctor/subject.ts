import { KmsBuildError } from '../errors.js'
import {
  openingsIn,
  openingsOf,
  openingsOfFile,
  type Opening,
  type OpeningsOptions,
} from '../policy/openings.js'
import { existingSecretsFile, secretsFilePath } from '../secrets-file/locate.js'
import { readSecretsFile, type SecretsFile } from '../secrets-file/parse.js'
import { checkBundle, wrappedInBundle } from './bundle.js'
import type { Check } from './check.js'
import { wrappedInFile, type Wrapped } from './wrapped.js'

/** What is to be opened, and what says so. */
export interface Subject {
  file?: SecretsFile
  openings: Opening[]
  wrapped: Wrapped[]
  /** What was seen of the bundles. */
  checks: Check[]
  /** What the configuration calls the keys, to be compared with those that are named. */
  configured: string[]
}

/**
 * Bundles, or the secrets file, or else keys and context as the plugin's options have them.
 *
 * @throws KmsBuildError as `openingsOf`.
 */
export async function readSubject(options: OpeningsOptions): Promise<Subject> {
  const { bundles = [], keyIds = [] } = options
  const file = await (options.secretsFile === undefined && (bundles.length || keyIds.length)
    ? readSecretsFile(secretsFilePath(options))
    : existingSecretsFile(options))
  if (bundles.length) {
    const { readBuilt } = await import('../inspect/inspect.js')
    const built = await readBuilt(bundles)
    const openings = openingsIn(built)
    if (!openings.length && !built.broken.length) {
      throw new KmsBuildError(
        'ARGUMENT_INVALID',
        `${bundles.join(', ')} holds nothing that KMS opens: no key stands in it. Give what the build wrote.`,
      )
    }
    return {
      ...(file && { file }),
      openings,
      wrapped: [...(file ? wrappedInFile(file) : []), ...wrappedInBundle(built)],
      checks: checkBundle(built),
      configured: keyIds,
    }
  }
  const common = { checks: [], configured: keyIds }
  if (file) return { ...common, file, openings: openingsOfFile(file), wrapped: wrappedInFile(file) }
  return { ...common, openings: await openingsOf(options), wrapped: [], configured: [] }
}
