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

/** What doctor examines. */
export interface Subject {
  file?: SecretsFile
  openings: Opening[]
  wrapped: Wrapped[]
  /** Checks of the bundles. */
  checks: Check[]
  /** The keys of the configuration, compared with those of the bundles or the file. */
  configured: string[]
}

/**
 * Reads the bundles, or the secrets file, or else keys and context of the plugin's options.
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
        `${bundles.join(', ')} contains nothing that KMS decrypts: there is no key in it. Give the files that the build wrote.`,
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
