import { present } from '../aws/aws-error.js'
import type { IAMClient } from '@aws-sdk/client-iam'
import { parsePolicy, type Policy } from '@unplugin-kms/local-kms/policy'
import { ask, reason, type Answer } from './ask.js'
import { check, type Check } from './check.js'

export interface NamedPolicy {
  name: string
  policy: Policy
}

/** The facts that IAM returns about a role. */
export interface RoleFacts {
  arn: string
  account: string
  policies: NamedPolicy[]
  /** Undefined if it has none. */
  boundary?: NamedPolicy | 'unread'
  /** Why not all of its policies are known; undefined if they are. */
  incomplete?: string
  exists: boolean
  checks: Check[]
}

/**
 * Reads the policies of a role.
 *
 * @param callerAccount the account in which IAM finds roles by name.
 */
export async function examineRole(
  arn: string,
  callerAccount: string | undefined,
  iam: IAMClient,
): Promise<RoleFacts> {
  const account = arn.split(':')[4]!
  const unread = { arn, account, policies: [], boundary: 'unread' as const, exists: true }
  if (account !== callerAccount) {
    const incomplete = `it belongs to the account ${account}, and the caller to ${callerAccount ?? 'an unknown one'}`
    const data = { role: arn, reason: incomplete }
    return { ...unread, incomplete, checks: [check('unchecked', 'role', 'ROLE_UNREAD', data)] }
  }
  const { GetRoleCommand } = await import('@aws-sdk/client-iam')
  const RoleName = arn.split('/').at(-1)!
  const read = reader()
  const role = await read('iam:GetRole', () => iam.send(new GetRoleCommand({ RoleName })))
  if ('refused' in role && role.refused === 'missing')
    return {
      ...unread,
      exists: false,
      checks: [check('found', 'role', 'ROLE_MISSING', { role: arn })],
    }
  const boundaryArn =
    'got' in role ? role.got.Role?.PermissionsBoundary?.PermissionsBoundaryArn : undefined
  const [inline, attached, boundary] = await Promise.all([
    readInline(iam, RoleName, read),
    readAttached(iam, RoleName, read),
    boundaryArn ? readManaged(iam, boundaryArn, read) : [],
  ])
  const policies = [...inline, ...attached]
  const incomplete = read.refused()
  return {
    arn,
    account,
    policies,
    ...boundaryOf(boundary[0], 'refused' in role || boundaryArn !== undefined),
    ...(incomplete !== undefined && { incomplete }),
    exists: true,
    checks: [
      incomplete === undefined
        ? check('ok', 'role', 'ROLE_READ', {
            role: arn,
            policies: policies.map(({ name }) => name),
          })
        : check('unchecked', 'role', 'ROLE_UNREAD', { role: arn, reason: incomplete }),
    ],
  }
}

async function readInline(iam: IAMClient, RoleName: string, read: Reader): Promise<NamedPolicy[]> {
  const { GetRolePolicyCommand, paginateListRolePolicies } = await import('@aws-sdk/client-iam')
  const names = await read('iam:ListRolePolicies', async () => {
    const all: string[] = []
    for await (const page of paginateListRolePolicies({ client: iam }, { RoleName }))
      all.push(...(page.PolicyNames ?? []))
    return all
  })
  if (!('got' in names)) return []
  return documents(read, names.got, async (PolicyName) => {
    const answer = await read('iam:GetRolePolicy', () =>
      iam.send(new GetRolePolicyCommand({ RoleName, PolicyName })),
    )
    return 'got' in answer ? answer.got.PolicyDocument : undefined
  })
}

async function readAttached(
  iam: IAMClient,
  RoleName: string,
  read: Reader,
): Promise<NamedPolicy[]> {
  const { paginateListAttachedRolePolicies } = await import('@aws-sdk/client-iam')
  const arns = await read('iam:ListAttachedRolePolicies', async () => {
    const all: string[] = []
    for await (const page of paginateListAttachedRolePolicies({ client: iam }, { RoleName }))
      all.push(...(page.AttachedPolicies ?? []).map(({ PolicyArn }) => PolicyArn!))
    return all
  })
  if (!('got' in arns)) return []
  return (await Promise.all(arns.got.map((arn) => readManaged(iam, arn, read)))).flat()
}

function readManaged(iam: IAMClient, PolicyArn: string, read: Reader): Promise<NamedPolicy[]> {
  return documents(read, [PolicyArn], async () => {
    const { GetPolicyCommand, GetPolicyVersionCommand } = await import('@aws-sdk/client-iam')
    const policy = await read('iam:GetPolicy', async () =>
      present((await iam.send(new GetPolicyCommand({ PolicyArn }))).Policy?.DefaultVersionId),
    )
    if (!('got' in policy)) return undefined
    const version = await read('iam:GetPolicyVersion', () =>
      iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: policy.got })),
    )
    return 'got' in version ? version.got.PolicyVersion?.Document : undefined
  })
}

async function documents(
  read: Reader,
  names: string[],
  documentOf: (name: string) => Promise<string | undefined>,
): Promise<NamedPolicy[]> {
  const found = await Promise.all(
    names.map(async (name) => {
      const document = await documentOf(name)
      if (document === undefined) return []
      const parsed = readPolicy(decodeURIComponent(document), 'identity')
      if ('policy' in parsed) return [{ name, policy: parsed.policy }]
      read.note(`doctor cannot parse ${name} (${parsed.why})`)
      return []
    }),
  )
  return found.flat()
}

const boundaryOf = (read: NamedPolicy | undefined, mayHaveOne: boolean) =>
  mayHaveOne ? { boundary: read ?? ('unread' as const) } : {}

/** Parses a policy document, or returns why it could not be parsed. */
export function readPolicy(
  text: string,
  kind: 'identity' | 'resource',
): { policy: Policy } | { why: string } {
  try {
    return { policy: parsePolicy(text, kind) }
  } catch (error) {
    return { why: (error as Error).message }
  }
}

type Reader = ReturnType<typeof reader>

/** Returns a function that calls IAM and keeps the first failure. */
function reader() {
  let why: string | undefined
  const read = async <T>(action: string, call: () => Promise<T>): Promise<Answer<T>> => {
    const answer = await ask(call)
    if ('refused' in answer) why ??= reason(answer, action)
    return answer
  }
  return Object.assign(read, {
    refused: () => why,
    note: (text: string) => void (why ??= text),
  })
}
