import { KmsBuildError, type BuildErrorCode } from '../errors.js'
import { failureOf } from './failure.js'

/** A call of an AWS service, as errors name it. */
export interface FailedCall {
  /** The service: `KMS`. */
  service: string
  /** The call: `kms:Encrypt on alias/app`. */
  call: string
  denied: BuildErrorCode
  failed: BuildErrorCode
  unreachable: BuildErrorCode
  /** Returns which permission is missing, from AWS's reason. */
  missingPermission: (reason: string) => string
}

/** Explains why a call failed, and what to do. */
export function explainFailure(error: unknown, failed: FailedCall): KmsBuildError {
  const { service, call } = failed
  const { kind, name, what, next } = failureOf(error)
  const fail = (code: BuildErrorCode, text: string) =>
    new KmsBuildError(code, text.trimEnd(), undefined, { cause: error })
  switch (kind) {
    case 'denied':
      return fail(
        failed.denied,
        `${service} denies ${call}: ${what}. ${failed.missingPermission(what)}`,
      )
    case 'credentials-rejected':
      return fail(
        failed.denied,
        `AWS does not accept the credentials for ${call}: ${what}. ${next}`,
      )
    case 'refused':
      return fail(failed.failed, `${service} refused ${call}: ${name}: ${(error as Error).message}`)
    case 'credentials-missing':
      return fail('CREDENTIALS_MISSING', `${call} was not called: ${what}. ${next}`)
    case 'configuration':
      return fail('AWS_CONFIG_INVALID', `${call} was not called: ${what}. ${next}`)
    case 'unreachable':
      return fail(
        failed.unreachable,
        `${service} could not be reached for ${call}: ${what}. ${next}`,
      )
  }
}
