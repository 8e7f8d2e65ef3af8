import { failureOf } from '../../aws/failure.js'
import { KmsBuildError, type BuildErrorCode } from '../../errors.js'
import { type Mark, shown } from '../collect/mark.js'
import type { Remote } from './types.js'

/**
 * Explains at the mark's place why an AWS service did not return a value, and what to do. Only AWS's
 * own errors are quoted: errors of reading an answer quote the answer, which may contain the value.
 */
export async function explainSource(
  error: unknown,
  mark: Mark,
  action: string,
  { identity }: Remote,
): Promise<KmsBuildError> {
  if (error instanceof KmsBuildError) return error.at(mark.place)
  const { kind, name, what, next } = failureOf(error)
  const isAnswer = kind === 'denied' || kind === 'refused' || kind === 'credentials-rejected'
  const fail = (code: BuildErrorCode, text: string) =>
    new KmsBuildError(
      code,
      `${shown(mark)}: ${text}`.trimEnd(),
      mark.place,
      isAnswer ? { cause: error } : undefined,
    )
  switch (kind) {
    case 'denied': {
      const caller = await identity()
      return fail(
        'SOURCE_DENIED',
        `AWS denies ${action}${caller ? ` to ${caller}` : ''}: ${what}. Allow it in the identity's IAM policy; for a customer managed key, the key policy must allow it too.`,
      )
    }
    case 'credentials-rejected':
      return fail(
        'SOURCE_DENIED',
        `AWS does not accept the credentials for ${action}: ${what}. ${next}`,
      )
    case 'refused': {
      const { message, $metadata } = error as ServiceError
      if (name.includes('NotFound'))
        return fail('SOURCE_NOT_FOUND', `it does not exist: ${message}`)
      const { attempts = 1 } = $metadata ?? {}
      const often = attempts > 1 ? `, asked ${attempts} times` : ''
      return fail('SOURCE_FAILED', `AWS refused ${action}${often}: ${name}: ${message}`)
    }
    case 'credentials-missing':
      return fail('CREDENTIALS_MISSING', `${action} was not called: ${what}. ${next}`)
    case 'configuration':
      return fail('AWS_CONFIG_INVALID', `${action} was not called: ${what}. ${next}`)
    case 'unreachable':
      return fail('SOURCE_FAILED', `${action} returned no usable response: ${what}. ${next}`)
  }
}

interface ServiceError extends Error {
  $metadata?: { attempts?: number }
}
