import { KmsBuildError } from '../errors.js'
import { complain } from './output.js'
import { exitCodeOf } from './exit-codes.js'

/**
 * `local`, which reads its own arguments: what stands behind -- is the command that it runs.
 *
 * @returns the exit code.
 */
export async function local(argv: string[]): Promise<number> {
  try {
    const { runLocal } = await import('@unplugin-kms/local-kms')
    return await runLocal(argv)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    const missing = new KmsBuildError('ARGUMENT_INVALID', 'the embedded KMS is a package of its own. Install it: npm install --save-dev @unplugin-kms/local-kms.')
    complain(missing.message)
    return exitCodeOf(missing)
  }
}
