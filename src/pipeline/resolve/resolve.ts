import type { Mark } from '../collect/mark.js'
import { fromCiphertext } from './ciphertext.js'
import { fromEnv } from './env.js'
import { fromFile } from './file.js'
import { fromOwnSource } from './from.js'
import { fromLiteral } from './literal.js'
import { fromSecretsFile } from './named.js'
import { fromSecretsManager } from './secrets-manager.js'
import { fromSsm } from './ssm.js'
import type { Sources, Value } from './types.js'

export { fileOf } from './file.js'
export { nameOf, shown } from '../collect/mark.js'

/**
 * Fetches a mark's value from its source.
 *
 * @param id the module's path, without a query.
 * @throws KmsBuildError the errors of the source, at the mark's place.
 */
export async function resolve(mark: Mark, id: string, sources: Sources): Promise<Value> {
  switch (mark.source) {
    case 'literal':
      return fromLiteral(mark, sources)
    case 'env':
      return fromEnv(mark, sources)
    case 'file':
      return fromFile(mark, id)
    case 'named':
      return fromSecretsFile(mark, sources)
    case 'ssm':
      return fromSsm(mark, sources)
    case 'secretsManager':
      return fromSecretsManager(mark, sources)
    case 'ciphertext':
      return fromCiphertext(mark, sources)
    case 'from':
      return fromOwnSource(mark, sources)
  }
}
