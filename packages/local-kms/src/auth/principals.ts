import { randomBytes, randomInt } from 'node:crypto'
import type { Account } from '../account/account.js'
import { iamArn, parseArn, roleArn, rootArn, userArn } from '../arn.js'
import type {
  AccessKey,
  ManagedPolicy,
  RoleRecord,
  SessionRecord,
  UserRecord,
} from '../account/state.js'
import { LocalKmsError } from '../errors.js'
import { parsePolicy, type Policy, type PolicyDocument } from '../policy/parse-policy.js'
import { encodeBase32, totp } from './totp.js'

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

export interface User {
  readonly name: string
  readonly arn: string
  readonly credentials: Credentials
  /** Present for a user created with `mfa: true`. */
  readonly mfa?: {
    /** The device's ARN. AWS calls it the serial number. */
    readonly serialNumber: string
    /** Returns the current six-digit code. Each code is valid for one call. */
    readonly code: () => string
  }
}

export interface Role {
  readonly name: string
  readonly arn: string
}

const NAME = /^[\w+=,.@-]{1,64}$/

export function createUser(
  account: Account,
  {
    name,
    policies = [],
    mfa = false,
  }: {
    name: string
    policies?: PolicyDocument[]
    mfa?: boolean
  },
  clock: () => number,
): User {
  checkName(name, account.state.users.has(name), 'user')
  const key = { accessKeyId: `AKIA${identifier()}`, secretAccessKey: secret() }
  const mfaSecret = mfa ? encodeBase32(randomBytes(20)) : undefined
  account.state.users.set(name, {
    name,
    userId: `AIDA${identifier()}`,
    accessKeys: [key],
    policies: policies.map(identityPolicyText),
    ...(mfaSecret !== undefined && { mfaSecret }),
  })
  account.save()
  return {
    name,
    arn: userArn(account.partition, account.id, name),
    credentials: key,
    ...(mfaSecret !== undefined && {
      mfa: {
        serialNumber: iamArn(account.partition, account.id, `mfa/${name}`),
        code: () => totp(mfaSecret, clock()),
      },
    }),
  }
}

export interface RoleToCreate {
  name: string
  /** Inline policies. */
  policies?: PolicyDocument[]
  /** Managed policies by name. */
  attachedPolicies?: Record<string, PolicyDocument>
  /** Becomes a managed policy with the role's name and `-boundary`. */
  permissionsBoundary?: PolicyDocument
  /** The trust policy. Default: delegates to the account's IAM policies. */
  trust?: PolicyDocument
}

export function createRole(
  account: Account,
  { name, policies = [], attachedPolicies = {}, permissionsBoundary, trust }: RoleToCreate,
): Role {
  checkName(name, account.state.roles.has(name), 'role')
  const trustPolicy = trustPolicyText(
    trust ?? {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: rootArn(account.partition, account.id) },
          Action: 'sts:AssumeRole',
        },
      ],
    },
  )
  const managed = ([called, document]: [string, PolicyDocument]): ManagedPolicy => ({
    arn: iamArn(account.partition, account.id, `policy/${called}`),
    name: called,
    document: identityPolicyText(document),
  })
  account.state.roles.set(name, {
    name,
    roleId: `AROA${identifier()}`,
    trustPolicy,
    policies: policies.map(identityPolicyText),
    attachedPolicies: Object.entries(attachedPolicies).map(managed),
    ...(permissionsBoundary !== undefined && {
      permissionsBoundary: managed([`${name}-boundary`, permissionsBoundary]),
    }),
  })
  account.save()
  return { name, arn: roleArn(account.partition, account.id, name) }
}

/**
 * Deletes a role and its sessions. As in AWS, its unique ID replaces its ARN in key policies, so that
 * a new role with the same name gets no access.
 */
export function deleteRole(account: Account, arn: string): void {
  const role = existingPrincipal(account, arn)
  if (!('roleId' in role)) throw new LocalKmsError('BAD_OPTION', `role ${arn} does not exist`)
  const { roles, sessions, regions } = account.state
  const escaped = roleArn('@', account.id, role.name).replace(/[.+]/g, String.raw`\$&`)
  const named = new RegExp(`"${escaped.replace('@', '[a-z-]+')}"`, 'g')
  roles.delete(role.name)
  for (const [id, { of }] of sessions)
    if (of.kind === 'role' && of.name === role.name) sessions.delete(id)
  for (const key of [...regions.values()].flatMap(({ keys }) => [...keys.values()]))
    key.policy = key.policy.replace(named, JSON.stringify(role.roleId))
  account.save()
}

/** Finds a user or role by its ARN, in any partition. */
export function findPrincipal(account: Account, arn: string): UserRecord | RoleRecord | undefined {
  const { service, accountId, resource = '' } = parseArn(arn) ?? {}
  if (service !== 'iam' || accountId !== account.id) return undefined
  const [kind, name = ''] = resource.split('/')
  const { users, roles } = account.state
  return kind === 'user' ? users.get(name) : kind === 'role' ? roles.get(name) : undefined
}

/** Replaces the IAM policies of a user or role, and optionally a role's trust policy. */
export function putPolicies(
  account: Account,
  arn: string,
  policies: PolicyDocument[],
  trust?: PolicyDocument,
): void {
  const principal = existingPrincipal(account, arn)
  principal.policies = policies.map(identityPolicyText)
  if (trust !== undefined && 'roleId' in principal) principal.trustPolicy = trustPolicyText(trust)
  account.save()
}

/** Returns a user's access key, or temporary credentials of a role. */
export function credentialsOf(
  account: Account,
  arn: string,
  {
    now,
    sessionName = 'session',
    durationSeconds = 3600,
  }: {
    now: number
    sessionName?: string
    durationSeconds?: number
  },
): Credentials {
  const principal = existingPrincipal(account, arn)
  if ('userId' in principal) return { ...(principal.accessKeys[0] as AccessKey) }
  const of = { kind: 'role' as const, name: principal.name, sessionName }
  const session = issueSession(account, { of, mfaPresent: false }, { now, durationSeconds })
  const { accessKeyId, secretAccessKey, sessionToken } = session
  return { accessKeyId, secretAccessKey, sessionToken }
}

function existingPrincipal(account: Account, arn: string): UserRecord | RoleRecord {
  const principal = findPrincipal(account, arn)
  if (principal === undefined)
    throw new LocalKmsError('BAD_OPTION', `user or role ${arn} does not exist`)
  return principal
}

/** Creates temporary credentials. Deletes sessions that expired more than an hour ago. */
export function issueSession(
  account: Account,
  session: Pick<SessionRecord, 'of' | 'mfaPresent' | 'sessionPolicy'>,
  { now, durationSeconds }: { now: number; durationSeconds: number },
): SessionRecord {
  for (const [id, old] of account.state.sessions) {
    if (old.expiresAt < now - 3_600_000) account.state.sessions.delete(id)
  }
  const record: SessionRecord = {
    accessKeyId: `ASIA${identifier()}`,
    secretAccessKey: secret(),
    sessionToken: randomBytes(192).toString('base64'),
    issuedAt: now,
    expiresAt: now + durationSeconds * 1000,
    ...session,
  }
  account.state.sessions.set(record.accessKeyId, record)
  account.save()
  return record
}

function checkName(name: string, exists: boolean, kind: string): void {
  if (!NAME.test(name)) {
    throw new LocalKmsError('BAD_OPTION', `'${name}' is not a valid name of an IAM ${kind}`)
  }
  if (exists) throw new LocalKmsError('BAD_OPTION', `the ${kind} '${name}' already exists`)
}

/** Validates a policy and returns its JSON. */
function identityPolicyText(document: PolicyDocument): string {
  identityPolicy(document)
  return textOf(document)
}

export const identityPolicy = (document: PolicyDocument): Policy =>
  parsePolicy(textOf(document), 'identity')

function trustPolicyText(document: PolicyDocument): string {
  const text = textOf(document)
  parsePolicy(text, 'trust')
  return text
}

const textOf = (document: PolicyDocument): string =>
  typeof document === 'string' ? document : JSON.stringify(document)

/** Returns 16 random characters of the alphabet of AWS's identifiers. */
function identifier(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  return Array.from({ length: 16 }, () => alphabet[randomInt(alphabet.length)]).join('')
}

const secret = (): string => randomBytes(30).toString('base64')
