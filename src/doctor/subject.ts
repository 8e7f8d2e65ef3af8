import { suiteOf } from '../crypto/suites.js'
import { KmsBuildError } from '../errors.js'
import {
  decryptRequestsIn,
  decryptRequestsOf,
  decryptRequestsOfFile,
  type DecryptRequest,
  type DecryptRequestsOptions,
} from '../policy/decrypt-requests.js'
import { existingSecretsFile, secretsFilePath } from '../secrets-file/locate.js'
import { readSecretsFile, type SecretsFile } from '../secrets-file/parse.js'
import { checkBundle, blobsInBundle } from './bundle.js'
import type { Check } from './check.js'
import { blobsInFile, type WrappedBlob } from './wrapped.js'

/** The input of doctor: a secrets file or bundles, and the KMS calls that they need. */
export interface Subject {
  file?: SecretsFile
  requests: DecryptRequest[]
  wrapped: WrappedBlob[]
  /** Whether a bundle opens an ML-KEM pair, or the file seals to one. */
  needsMlKem: boolean
  /** Checks of the bundles. */
  checks: Check[]
  /** The keys of the configuration, compared with those of the bundles or the file. */
  configured: string[]
}

/**
 * Reads the bundles, or the secrets file, or else the keys and context of the plugin's options.
 *
 * @throws KmsBuildError the errors of `decryptRequestsOf`.
 */
export async function readSubject(options: DecryptRequestsOptions): Promise<Subject> {
  const { bundles = [], keyIds = [] } = options
  const file = await (options.secretsFile === undefined && (bundles.length || keyIds.length)
    ? readSecretsFile(secretsFilePath(options))
    : existingSecretsFile(options))
  if (bundles.length) {
    const { readBundles } = await import('../inspect/inspect.js')
    const built = await readBundles(bundles)
    const requests = decryptRequestsIn(built)
    if (!requests.length && !built.broken.length) {
      throw new KmsBuildError(
        'ARGUMENT_INVALID',
        `${bundles.join(', ')} contains no ciphertext of KMS. Give the files that the build wrote.`,
      )
    }
    return {
      ...(file && { file }),
      requests,
      wrapped: [...(file ? blobsInFile(file) : []), ...blobsInBundle(built)],
      needsMlKem: built.secrets.some(({ suite }) => suite === 'ML-KEM-1024'),
      checks: checkBundle(built),
      configured: keyIds,
    }
  }
  const pairs = [...(file?.current.values() ?? [])]
  const needsMlKem = pairs.some((pair) => suiteOf(pair) === 'ML-KEM-1024')
  const common = { needsMlKem, checks: [], configured: keyIds }
  if (file)
    return { ...common, file, requests: decryptRequestsOfFile(file), wrapped: blobsInFile(file) }
  return { ...common, requests: await decryptRequestsOf(options), wrapped: [], configured: [] }
}
