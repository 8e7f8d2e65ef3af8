import type { Mark } from '../collect/mark.js'
import type { Direct } from '../seal/direct.js'
import type { SecretsFile } from '../../secrets-file/parse.js'
import { fromCiphertext } from './ciphertext.js'
import { fromEnv } from './env.js'
import { fromFile } from './file.js'
import { fromOwnSource } from './from.js'
import { fromLiteral } from './literal.js'
import { fromSecretsFile } from './named.js'
import type { Remote } from './remote.js'
import { fromSecretsManager } from './secrets-manager.js'
import { fromSsm } from './ssm.js'

export { fileOf } from './file.js'
export { nameOf, shown } from './refuse.js'

/** A mark's value: a plaintext that is still to be sealed, or ciphertext that passes through. */
export type Value = { plaintext: Uint8Array } | { token: string; fingerprint: string } | Direct

export interface Sources {
  env: Record<string, string | undefined>
  secretsFile: SecretsFile | null
  /** Where the secrets file is, or would be. */
  secretsFilePath: string
  /** The option `keyId`, else the secrets file's keys. */
  keyIds: string[]
  remote: Remote
}

/**
 * Fetches a mark's value from its source.
 *
 * @param id the module's path, without a query.
 * @throws KmsBuildError as the sources say, each at the mark's place.
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
