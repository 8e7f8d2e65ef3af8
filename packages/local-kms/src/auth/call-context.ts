import type { Call } from '../protocol/call.js'

/** Returns the global condition keys (`aws:…`) of a call. */
export function callContext(
  call: Call,
): [string, string | number | boolean | readonly string[] | undefined][] {
  const { caller } = call
  return [
    ['aws:PrincipalArn', caller.principalArn],
    ['aws:PrincipalAccount', caller.accountId],
    ['aws:PrincipalType', caller.userName === undefined ? 'AssumedRole' : 'User'],
    ['aws:userid', caller.userId],
    ['aws:username', caller.userName],
    ['aws:RequestedRegion', call.region],
    ['aws:SourceIp', call.viaService === undefined ? call.sourceIp : undefined],
    ['aws:SecureTransport', call.secureTransport],
    ['aws:UserAgent', call.userAgent],
    ['aws:CurrentTime', new Date(call.now).toISOString()],
    ['aws:EpochTime', Math.floor(call.now / 1000)],
    ['aws:ViaAWSService', call.viaService !== undefined],
    ['aws:CalledVia', call.viaService && [calledVia(call.viaService)]],
    // Requests with long-term credentials do not have these two keys.
    ['aws:MultiFactorAuthPresent', caller.tokenIssuedAt && caller.mfaPresent],
    ['aws:TokenIssueTime', caller.tokenIssuedAt && new Date(caller.tokenIssuedAt).toISOString()],
  ]
}

/** `ssm.us-east-1.amazonaws.com` -> `ssm.amazonaws.com` */
const calledVia = (viaService: string): string => `${viaService.split('.')[0]}.amazonaws.com`
