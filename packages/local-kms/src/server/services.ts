import { ec2Operations } from '../ec2/networks.js'
import { iamOperations } from '../iam/operations.js'
import { kmsOperations } from '../kms/operations.js'
import { s3Operations } from '../lambda/download.js'
import { lambdaOperations } from '../lambda/operations.js'
import { routeRest } from '../lambda/routes.js'
import { fieldOf, type Form } from '../protocol/query.js'
import type { Operations } from '../protocol/service.js'
import { secretsManagerOperations } from '../secretsmanager/operations.js'
import { ssmOperations } from '../ssm/operations.js'
import { stsOperations } from '../sts/operations.js'
import { AssumeRoleWithWebIdentity } from '../sts/web-identity.js'
import type { HttpRequest } from './http.js'
import type { JournalEntry } from '../protocol/journal.js'

export type ServiceName = Exclude<JournalEntry['service'], 'unknown'>

/** The services of the JSON protocol, by the prefix of `x-amz-target`. */
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
  s3: s3Operations,
  ec2: ec2Operations,
}

/** The services of the query protocol, by the version of the API that a form names. */
const VERSIONS: Readonly<Partial<Record<string, ServiceName>>> = {
  '2011-06-15': 'sts',
  '2010-05-08': 'iam',
  '2016-11-15': 'ec2',
}

export interface Route {
  service: ServiceName | 'unknown'
  operation: string
  /** The input that the path and query of a REST API contain. */
  input?: object
}

/**
 * Finds the operation of a request: by `x-amz-target`, by the `Action` of a form, or, for Lambda,
 * by method and path.
 */
export function route(
  { method, target, headers }: HttpRequest,
  form: Readonly<Form> | undefined,
): Route {
  if (method === 'GET') {
    return routeRest(target, headers.range) ?? { service: 'unknown', operation: 'unknown' }
  }
  const called = String(headers['x-amz-target'] ?? '')
  const [prefix = '', operation = 'unknown'] = called.split('.', 2)
  if (method !== 'POST' || target !== '/') return { service: 'unknown', operation }
  if (form === undefined) return { service: TARGETS[prefix] ?? 'unknown', operation }
  const service = VERSIONS[fieldOf(form['Version'])] ?? 'unknown'
  return { service, operation: fieldOf(form['Action']) || 'unknown' }
}
