import { ec2Operations } from '../ec2/networks.js'
import { iamOperations } from '../iam/operations.js'
import { kmsOperations } from '../kms/operations.js'
import { lambdaOperations } from '../lambda/functions.js'
import { fieldOf, type Form } from '../protocol/query.js'
import type { Operations } from '../protocol/service.js'
import { secretsManagerOperations } from '../secretsmanager/operations.js'
import { ssmOperations } from '../ssm/operations.js'
import { stsOperations } from '../sts/operations.js'
import { AssumeRoleWithWebIdentity } from '../sts/web-identity.js'
import type { HttpRequest } from './http.js'
import type { JournalEntry } from '../protocol/journal.js'

export type ServiceName = Exclude<JournalEntry['service'], 'unknown'>

/** The prefix of `x-amz-target` by which a service of the JSON protocol is called. */
const TARGETS: Readonly<Partial<Record<string, ServiceName>>> = {
  TrentService: 'kms',
  AmazonSSM: 'ssm',
  secretsmanager: 'secretsmanager',
}

export const OPERATIONS: Readonly<Record<ServiceName, Operations>> = {
  kms: kmsOperations,
  ssm: ssmOperations,
  secretsmanager: secretsManagerOperations,
  sts: { ...stsOperations, AssumeRoleWithWebIdentity },
  iam: iamOperations,
  lambda: lambdaOperations,
  ec2: ec2Operations,
}

/** The services of the query protocol, by the version of the API that a form names. */
const VERSIONS: Readonly<Partial<Record<string, ServiceName>>> = {
  '2011-06-15': 'sts',
  '2010-05-08': 'iam',
  '2016-11-15': 'ec2',
}

const FUNCTION = /^\/2015-03-31\/functions\/([^/?]+)\/configuration$/

export interface Routed {
  service: ServiceName | 'unknown'
  operation: string
  /** What the path names, in the services that are addressed so. */
  input?: Form
}

/**
 * Which operation a request is for: by its `x-amz-target`, by the `Action` of its form, or, of
 * Lambda, by method and path.
 */
export function route(
  { method, target, headers }: HttpRequest,
  form: Readonly<Form> | undefined,
): Routed {
  const [, FunctionName] = FUNCTION.exec(target) ?? []
  if (method === 'GET' && FunctionName !== undefined) {
    const input = { FunctionName: decodeURIComponent(FunctionName) }
    return { service: 'lambda', operation: 'GetFunctionConfiguration', input }
  }
  const called = String(headers['x-amz-target'] ?? '')
  const [prefix = '', operation = 'unknown'] = called.split('.', 2)
  if (method !== 'POST' || target !== '/') return { service: 'unknown', operation }
  if (form === undefined) return { service: TARGETS[prefix] ?? 'unknown', operation }
  const service = VERSIONS[fieldOf(form['Version'])] ?? 'unknown'
  return { service, operation: fieldOf(form['Action']) || 'unknown' }
}
