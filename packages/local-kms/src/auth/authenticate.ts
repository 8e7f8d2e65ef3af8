import type { Account } from '../account/account.js'
import { partitionOf } from '../arn.js'
import { AwsError } from '../errors.js'
import { callerOfSession, callerOfUser, type Caller } from './caller.js'
import { readAuthorization, type SignedRequest } from './signature.js'

const INVALID_TOKEN = 'The security token included in the request is invalid.'

/**
 * Returns the caller that signed a request, and the region that it signed for.
 *
 * @throws AwsError UnrecognizedClientException for an unknown access key, or a session token that
 *   is missing, wrong, or sent with a long-term key; ExpiredTokenException;
 *   InvalidSignatureException for a wrong secret access key or a changed request
 */
export function authenticate(
  account: Account,
  request: SignedRequest,
  service: string,
  now: number,
): { caller: Caller; region: string } {
  const authorization = readAuthorization(request, service, now)
  const credential = findCredential(
    account,
    authorization.accessKeyId,
    partitionOf(authorization.region),
  )
  if (credential === undefined) throw new AwsError('UnrecognizedClientException', INVALID_TOKEN)
  if (!authorization.verify(credential.secretAccessKey)) {
    throw new AwsError(
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided. Check your ' +
        'AWS Secret Access Key and signing method. Consult the service documentation for details.',
    )
  }
  if (authorization.sessionToken !== credential.sessionToken) {
    throw new AwsError('UnrecognizedClientException', INVALID_TOKEN)
  }
  if (credential.expiresAt !== undefined && credential.expiresAt <= now) {
    throw new AwsError(
      'ExpiredTokenException',
      'The security token included in the request is expired',
    )
  }
  const { serviceControlPolicy } = account
  return { caller: { ...credential.caller(), serviceControlPolicy }, region: authorization.region }
}

interface Credential {
  secretAccessKey: string
  sessionToken?: string
  expiresAt?: number
  caller: () => Caller
}

function findCredential(
  account: Account,
  accessKeyId: string,
  partition: string,
): Credential | undefined {
  const { state } = account
  const session = state.sessions.get(accessKeyId)
  if (session !== undefined)
    return { ...session, caller: () => callerOfSession(state, session, partition) }
  for (const user of state.users.values()) {
    const key = user.accessKeys.find((k) => k.accessKeyId === accessKeyId)
    if (key === undefined) continue
    return {
      secretAccessKey: key.secretAccessKey,
      caller: () => callerOfUser(state, user.name, partition),
    }
  }
  return undefined
}
