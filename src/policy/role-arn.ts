import { KmsBuildError } from '../errors.js'

/** Checks the ARN of a role. @throws KmsBuildError ARGUMENT_INVALID, also for names and sessions. */
export function expectRoleArn(role: string): void {
  if (/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(role)) return
  throw new KmsBuildError(
    'ARGUMENT_INVALID',
    `${role} is not the ARN of a role (arn:aws:iam::ACCOUNT:role/NAME). aws iam get-role shows the ARN.`,
  )
}
