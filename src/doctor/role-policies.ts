import { present } from '../aws/aws-error.js'
import type { IAMClient } from '@aws-sdk/client-iam'
import { parsePolicy, type Policy } from '@unplugin-kms/local-kms/policy'
import { ask, reason, type Answer } from './ask.js'
import { check, type Check } from './check.js'

export interface NamedPolicy {
  name: string
  policy: Policy
}

/** What IAM tells of a role. */
export interface RoleFacts {
  arn: string
  account: string
  policies: NamedPolicy[]
  /** Undefined where it has none. */
  boundary?: NamedPolicy | 'unread'
  /** Why not all of its policies are known; undefined when they are. */
  incomplete?: string
  exists: boolean
  checks: Check[]
}

/**
 * @param callerAccount IAM knows a role by its name, and would tell of one of this account that is
 *   called alike.
 */
export async function examineRole(
  arn: string,
  callerAccount: string | undefined,
  iam: IAMClient,
): Promise<RoleFacts> {
  const sdk = await import('@aws-sdk/client-iam')
  const RoleName = arn.split('/').at(-1)!
  const account = arn.split(':')[4]!
  const unread = { arn, account, policies: [], boundary: 'unread' as const, exists: true }
  if (account !== callerAccount) {
    const incomplete = `it belongs to the account ${account}, and the caller to ${callerAccount ?? 'one that is not known'}`
    const says = `the policies of ${arn} could not be read: ${incomplete}`
    return { ...unread, incomplete, checks: [check('unchecked', 'role', says)] }
  }
  const read = reader()
  const role = await read('iam:GetRole', () => iam.send(new sdk.GetRoleCommand({ RoleName })))
  if ('refused' in role && role.refused === 'missing')
    return { ...unread, exists: false, checks: [absent(arn)] }
  const boundaryArn =
    'got' in role ? role.got.Role?.PermissionsBoundary?.PermissionsBoundaryArn : undefined
  const [inline, attached, boundary] = await Promise.all([
    readInline(),
    readAttached(),
    boundaryArn ? readManaged(boundaryArn) : [],
  ])
  const incomplete = read.refused()
  return {
    arn,
    account,
    policies: [...inline, ...attached],
    ...boundaryOf(boundary[0], 'refused' in role || boundaryArn !== undefined),
    ...(incomplete !== undefined && { incomplete }),
    exists: true,
    checks: [
      incomplete === undefined
        ? check(
            'ok',
            'role',
            `the policies of ${arn} were read: ${[...inline, ...attached].map(({ name }) => name).join(', ') || 'none'}`,
          )
        : check('unchecked', 'role', `not all policies of ${arn} could be read: ${incomplete}`),
    ],
  }

  async function readInline(): Promise<NamedPolicy[]> {
    const names = await read('iam:ListRolePolicies', async () => {
      const all: string[] = []
      for await (const page of sdk.paginateListRolePolicies({ client: iam }, { RoleName }))
        all.push(...(page.PolicyNames ?? []))
      return all
    })
    if (!('got' in names)) return []
    return documents(names.got, async (PolicyName) => {
      const answer = await read('iam:GetRolePolicy', () =>
        iam.send(new sdk.GetRolePolicyCommand({ RoleName, PolicyName })),
      )
      return 'got' in answer ? answer.got.PolicyDocument : undefined
    })
  }

  async function readAttached(): Promise<NamedPolicy[]> {
    const arns = await read('iam:ListAttachedRolePolicies', async () => {
      const all: string[] = []
      for await (const page of sdk.paginateListAttachedRolePolicies({ client: iam }, { RoleName }))
        all.push(...(page.AttachedPolicies ?? []).map(({ PolicyArn }) => PolicyArn!))
      return all
    })
    return 'got' in arns ? (await Promise.all(arns.got.map(readManaged))).flat() : []
  }

  function readManaged(PolicyArn: string): Promise<NamedPolicy[]> {
    return documents([PolicyArn], async () => {
      const policy = await read('iam:GetPolicy', async () =>
        present((await iam.send(new sdk.GetPolicyCommand({ PolicyArn }))).Policy?.DefaultVersionId),
      )
      if (!('got' in policy)) return undefined
      const VersionId = policy.got
      const version = await read('iam:GetPolicyVersion', () =>
        iam.send(new sdk.GetPolicyVersionCommand({ PolicyArn, VersionId })),
      )
      return 'got' in version ? version.got.PolicyVersion?.Document : undefined
    })
  }

  async function documents(
    names: string[],
    documentOf: (name: string) => Promise<string | undefined>,
  ): Promise<NamedPolicy[]> {
    const found = await Promise.all(
      names.map(async (name) => {
        const document = await documentOf(name)
        if (document === undefined) return []
        const parsed = readPolicy(decodeURIComponent(document), 'identity')
        if ('policy' in parsed) return [{ name, policy: parsed.policy }]
        read.note(`${name} is written in a way that doctor does not read (${parsed.why})`)
        return []
      }),
    )
    return found.flat()
  }
}

const absent = (arn: string) =>
  check('found', 'role', `there is no role ${arn}`, {
    fix: 'a function shows its role: npx unplugin-kms doctor --function NAME, or aws iam list-roles',
  })

const boundaryOf = (read: NamedPolicy | undefined, mayHaveOne: boolean) =>
  mayHaveOne ? { boundary: read ?? ('unread' as const) } : {}

/** A policy document, or why it is not understood: what is not read is never judged. */
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

/** Asks, and keeps the first thing that was not answered. */
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
