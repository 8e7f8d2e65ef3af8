import { AwsError } from '../errors.js'
import { isOperator } from './conditions.js'

/** A policy document: an object or its JSON. */
export type PolicyDocument = string | object

/** A policy document after validation. Single values are normalized to lists. */
export interface Policy {
  version: '2012-10-17' | '2008-10-17'
  statements: Statement[]
}

export interface Statement {
  sid?: string
  effect: 'Allow' | 'Deny'
  /** Undefined in an identity-based policy. */
  principals?: PrincipalList
  notPrincipals?: PrincipalList
  actions?: string[]
  notActions?: string[]
  resources?: string[]
  notResources?: string[]
  /** Values by operator and condition key. */
  conditions: Record<string, Record<string, string[]>>
}

/** By type (`AWS`, `Service`, `Federated`, …). The string `"*"` becomes `{ AWS: ['*'] }`. */
export type PrincipalList = Record<string, string[]>

export type PolicyKind = 'identity' | 'resource' | 'trust'

/** @throws AwsError MalformedPolicyDocumentException */
export function parsePolicy(text: string, kind: PolicyKind): Policy {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw malformed('This policy contains invalid Json')
  }
  if (!isRecord(document)) throw malformed('This policy contains invalid Json')
  onlyFields(document, ['Version', 'Id', 'Statement'], 'the policy')
  const version = document['Version'] ?? '2008-10-17'
  if (version !== '2012-10-17' && version !== '2008-10-17') {
    throw malformed('The policy version is not valid: it must be 2012-10-17')
  }
  const statements = Array.isArray(document['Statement'])
    ? document['Statement']
    : [document['Statement']]
  return { version, statements: statements.map((statement) => parseStatement(statement, kind)) }
}

const STATEMENT_FIELDS = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]

function parseStatement(value: unknown, kind: PolicyKind): Statement {
  if (!isRecord(value)) throw malformed('Policy statement must be an object')
  onlyFields(value, STATEMENT_FIELDS, 'a statement')
  const effect = value['Effect']
  if (effect !== 'Allow' && effect !== 'Deny') {
    throw malformed('Policy statement must have an Effect of Allow or Deny')
  }
  exactlyOne(value, 'Action', 'NotAction')
  if (kind === 'trust') {
    if ('Resource' in value || 'NotResource' in value)
      throw malformed('Has prohibited field Resource')
  } else exactlyOne(value, 'Resource', 'NotResource')
  if (kind === 'identity') {
    if ('Principal' in value || 'NotPrincipal' in value) {
      throw malformed('Policy document should not specify a principal.')
    }
  } else exactlyOne(value, 'Principal', 'NotPrincipal')

  const statement: Statement = { effect, conditions: parseConditions(value['Condition']) }
  if (typeof value['Sid'] === 'string') statement.sid = value['Sid']
  if ('Principal' in value) statement.principals = parsePrincipals(value['Principal'])
  if ('NotPrincipal' in value) statement.notPrincipals = parsePrincipals(value['NotPrincipal'])
  if ('Action' in value) statement.actions = strings(value['Action'], 'Action')
  if ('NotAction' in value) statement.notActions = strings(value['NotAction'], 'NotAction')
  if ('Resource' in value) statement.resources = strings(value['Resource'], 'Resource')
  if ('NotResource' in value) statement.notResources = strings(value['NotResource'], 'NotResource')
  return statement
}

const PRINCIPAL_KINDS = new Set(['AWS', 'Service', 'Federated', 'CanonicalUser'])

function parsePrincipals(value: unknown): PrincipalList {
  if (value === '*') return { AWS: ['*'] }
  if (!isRecord(value)) throw malformed('Policy statement has an invalid principal')
  return Object.fromEntries(
    Object.entries(value).map(([name, members]) => {
      if (!PRINCIPAL_KINDS.has(name)) throw malformed(`Unknown principal type ${name}`)
      return [name, strings(members, 'Principal')]
    }),
  )
}

function parseConditions(value: unknown): Statement['conditions'] {
  if (value === undefined) return {}
  if (!isRecord(value)) throw malformed('Policy statement has an invalid Condition')
  return Object.fromEntries(
    Object.entries(value).map(([operator, keys]) => {
      if (!isOperator(operator)) throw malformed(`Invalid Condition type : ${operator}.`)
      if (!isRecord(keys)) throw malformed(`Condition ${operator} must map keys to values`)
      const values = Object.entries(keys).map(([key, item]) => [key, strings(item, 'Condition')])
      return [operator, Object.fromEntries(values)]
    }),
  )
}

function strings(value: unknown, field: string): string[] {
  const items = Array.isArray(value) ? value : [value]
  return items.map((item) => {
    if (typeof item === 'boolean' || typeof item === 'number') return String(item)
    if (typeof item !== 'string') throw malformed(`Syntax errors in policy: ${field}`)
    return item
  })
}

function exactlyOne(value: Record<string, unknown>, a: string, b: string): void {
  if (a in value === b in value) {
    throw malformed(`Policy statement must contain exactly one of ${a} and ${b}.`)
  }
}

function onlyFields(value: Record<string, unknown>, fields: string[], where: string): void {
  const unknown = Object.keys(value).find((field) => !fields.includes(field))
  if (unknown !== undefined) throw malformed(`Syntax errors in policy: ${unknown} in ${where}`)
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

export const malformed = (message: string): AwsError =>
  new AwsError('MalformedPolicyDocumentException', message)
