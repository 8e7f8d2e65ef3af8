import { sentence } from '../../aws/kms-errors.js'
import { KmsBuildError, type BuildErrorCode } from '../../errors.js'
import { type Mark, shown } from '../collect/mark.js'
import type { Remote } from './types.js'

interface AwsError extends Error {
  code?: string
  $fault?: 'client' | 'server'
  $metadata?: { attempts?: number }
}

/**
 * Says at the mark's place what an AWS service refused, to whom, and what to do. Only a service's
 * own refusal is quoted: errors of reading an answer quote the answer, which may hold the value.
 */
export async function explainSource(
  thrown: unknown,
  mark: Mark,
  action: string,
  { identity }: Remote,
): Promise<KmsBuildError> {
  const error = thrown as AwsError
  const { name, message } = error
  const fail = (code: BuildErrorCode, text: string) =>
    new KmsBuildError(
      code,
      `${shown(mark)}: ${text}`,
      mark.place,
      error.$fault ? { cause: error } : undefined,
    )

  if (
    name === 'CredentialsProviderError' ||
    /^UnrecognizedClient|^InvalidClientTokenId|^InvalidSignature|^ExpiredToken|^IncompleteSignature/.test(
      name,
    )
  ) {
    return fail(
      'SOURCE_DENIED',
      `AWS accepts no credentials for ${action}: ${sentence(message)} Sign in, or set the option aws.profile.`,
    )
  }
  if (name.startsWith('AccessDenied')) {
    const caller = await identity()
    return fail(
      'SOURCE_DENIED',
      `AWS denies ${action}${caller ? ` to ${caller}` : ''}: ${sentence(message)} Allow it in the identity's IAM policy; of a key of your own the key policy must allow it too.`,
    )
  }
  if (/NotFound/.test(name)) return fail('SOURCE_NOT_FOUND', `AWS has none: ${message}`)
  if (message === 'Region is missing')
    return fail(
      'SOURCE_FAILED',
      `no region for ${action}. Give an ARN, the option aws.region, or AWS_REGION.`,
    )
  if (error.$fault) {
    const { attempts = 1 } = error.$metadata ?? {}
    return fail(
      'SOURCE_FAILED',
      `AWS refused ${action}${attempts > 1 ? `, asked ${attempts} times` : ''}: ${name}: ${message}`,
    )
  }
  return fail(
    'SOURCE_FAILED',
    `${action} had no usable answer (${error.code ?? name}). Check the network, and the AWS_ENDPOINT_URL variables if they are set.`,
  )
}
