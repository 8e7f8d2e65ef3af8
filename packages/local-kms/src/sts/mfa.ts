import type { UserRecord } from '../account/state.js'
import { iamArn, partitionOf } from '../arn.js'
import { stepOfCode } from '../auth/totp.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'

/** The last time step of each device whose code was used. A code is valid for one call. */
const usedSteps = new WeakMap<UserRecord, number>()

/**
 * Checks the code of the caller's MFA device, if the call has one.
 *
 * @returns whether MFA is present
 * @throws AwsError AccessDeniedException for the device of another user, a wrong code, or a used code
 */
export function verifyMfa(
  call: Call,
  serialNumber: string | undefined,
  code: string | undefined,
): boolean {
  if (serialNumber === undefined && code === undefined) return false
  const user = call.account.state.users.get(call.caller.userName ?? '')
  const device = iamArn(partitionOf(call.region), call.account.id, `mfa/${user?.name}`)
  if (user?.mfaSecret === undefined || serialNumber !== device || code === undefined) {
    throw refuse(
      ', unable to validate MFA code.  Please verify your MFA serial number is valid and ' +
        'associated with this user.',
    )
  }
  const step = stepOfCode(user.mfaSecret, code, call.now)
  if (step === undefined || step <= (usedSteps.get(user) ?? -1)) {
    throw refuse(' with invalid MFA one time pass code. ')
  }
  usedSteps.set(user, step)
  return true
}

const refuse = (why: string): AwsError =>
  new AwsError('AccessDeniedException', `MultiFactorAuthentication failed${why}`)
