import { KmsBuildError } from '../errors.js'

/** @throws KmsBuildError ARGUMENT_INVALID for what KMS would take for no role: its name alone, a session. */
export function expectRoleArn(role: string): void {
  if (/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(role)) return
  throw new KmsBuildError(
    'ARGUMENT_INVALID',
    `${role} is no ARN of a role (arn:aws:iam::ACCOUNT:role/NAME). aws iam get-role shows it.`,
  )
}
