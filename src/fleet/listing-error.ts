import { failureOf } from '../aws/failure.js'
import { KmsBuildError, type BuildErrorCode } from '../errors.js'

/** Explains why functions could not be listed, and what to do. */
export function listingError(error: unknown): KmsBuildError {
  if (error instanceof KmsBuildError) return error
  const action = 'lambda:ListFunctions'
  const { kind, name, what, next } = failureOf(error)
  const fail = (code: BuildErrorCode, text: string) =>
    new KmsBuildError(code, text.trimEnd(), undefined, { cause: error })
  switch (kind) {
    case 'denied':
      return fail(
        'LAMBDA_DENIED',
        `AWS denies ${action}: ${what}. Allow what npx unplugin-kms policy fleet prints in the IAM policy of this identity.`,
      )
    case 'credentials-rejected':
      return fail(
        'LAMBDA_DENIED',
        `AWS does not accept the credentials for ${action}: ${what}. ${next}`,
      )
    case 'refused':
      return fail('LAMBDA_FAILED', `AWS refused ${action}: ${name}: ${what}.`)
    case 'credentials-missing':
      return fail('CREDENTIALS_MISSING', `${action} was not called: ${what}. ${next}`)
    case 'configuration':
      return fail('AWS_CONFIG_INVALID', `${action} was not called: ${what}. ${next}`)
    case 'unreachable':
      return fail('LAMBDA_FAILED', `${action} had no usable answer: ${what}. ${next}`)
  }
}
