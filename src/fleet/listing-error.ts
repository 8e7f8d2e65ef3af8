import { explainFailure } from '../aws/explain-failure.js'
import { KmsBuildError } from '../errors.js'

/** Explains why functions could not be listed, and what to do. */
export const listingError = (error: unknown): KmsBuildError =>
  error instanceof KmsBuildError
    ? error
    : explainFailure(error, {
        service: 'Lambda',
        call: 'lambda:ListFunctions',
        denied: 'LAMBDA_DENIED',
        failed: 'LAMBDA_FAILED',
        unreachable: 'LAMBDA_FAILED',
        missingPermission: () =>
          'Allow what npx unplugin-kms policy fleet prints in the IAM policy of this identity.',
      })
