import { kmsOperations } from '../kms/operations.js'
import type { Operations } from '../protocol/service.js'
import { secretsManagerOperations } from '../secretsmanager/secrets.js'
import { LabelParameterVersion } from '../ssm/labels.js'
import { ssmOperations } from '../ssm/parameters.js'
import { stsOperations } from '../sts/operations.js'
import { AssumeRoleWithWebIdentity } from '../sts/web-identity.js'

export type ServiceName = 'kms' | 'ssm' | 'secretsmanager' | 'sts'

/** The prefix of `x-amz-target` by which a service of the JSON protocol is called. */
const TARGETS: Readonly<Partial<Record<string, ServiceName>>> = {
  TrentService: 'kms',
  AmazonSSM: 'ssm',
  secretsmanager: 'secretsmanager',
}

export const OPERATIONS: Readonly<Record<ServiceName, Operations>> = {
  kms: kmsOperations,
  ssm: { ...ssmOperations, LabelParameterVersion },
  secretsmanager: secretsManagerOperations,
  sts: { ...stsOperations, AssumeRoleWithWebIdentity },
}

/** Which operation a request is for: by its `x-amz-target`, or by the `Action` of its form. */
export function route(
  target: string | undefined,
  form: Readonly<Record<string, string>> | undefined,
): { service: ServiceName | 'unknown'; operation: string } {
  if (form !== undefined) return { service: 'sts', operation: form['Action'] ?? 'unknown' }
  const [prefix = '', operation = 'unknown'] = target?.split('.', 2) ?? []
  return { service: TARGETS[prefix] ?? 'unknown', operation }
}
