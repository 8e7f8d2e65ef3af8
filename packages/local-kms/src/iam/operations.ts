import { partitionOf, roleArn } from '../arn.js'
import type { ManagedPolicy, RoleRecord } from '../account/state.js'
import { authorizeByIam } from '../auth/authorize.js'
import { policiesOfRole } from '../auth/caller.js'
import { requestContext, type RequestContext } from '../policy/conditions.js'
import { evaluate } from '../policy/evaluate.js'
import { AwsError } from '../errors.js'
import { list, required, string, structure, unsupported } from '../protocol/schema.js'
import type { Call } from '../protocol/call.js'
import { operation, type Operations } from '../protocol/service.js'

const RoleName = required(string({ min: 1, max: 64, pattern: /^[\w+=,.@-]+$/ }))
const PolicyName = required(string({ min: 1, max: 128, pattern: /^[\w+=,.@-]+$/ }))
const PolicyArn = required(string({ min: 20, max: 2048 }))

/** Finds a role. Checks the permission first, as IAM does. */
function findRole(call: Call, action: string, name: string): RoleRecord {
  const arn = roleArn(partitionOf(call.region), call.account.id, name)
  call.entry.resource = arn
  authorizeByIam(call, `iam:${action}`, arn)
  return call.account.state.roles.get(name) ?? missing(`The role with name ${name}`)
}

function findPolicy(call: Call, action: string, arn: string): ManagedPolicy {
  call.entry.resource = arn
  authorizeByIam(call, `iam:${action}`, arn)
  const roles = [...call.account.state.roles.values()]
  const managed = roles.flatMap(({ attachedPolicies = [], permissionsBoundary }) => [
    ...attachedPolicies,
    ...(permissionsBoundary === undefined ? [] : [permissionsBoundary]),
  ])
  return managed.find((policy) => policy.arn === arn) ?? missing(`Policy ${arn}`)
}

function missing(what: string): never {
  throw new AwsError('NoSuchEntity', `${what} cannot be found.`, { status: 404 })
}

const VERSION = 'v1'
/** Encodes a policy document as IAM does. */
const written = (document: string): string => encodeURIComponent(document)
const inlineName = (index: number): string => `policy-${index + 1}`

const GetRole = operation({ RoleName }, (call, { RoleName: name }) => {
  const role = findRole(call, 'GetRole', name)
  return {
    Role: {
      Path: '/',
      RoleName: name,
      RoleId: role.roleId,
      Arn: roleArn(partitionOf(call.region), call.account.id, name),
      CreateDate: new Date(0),
      AssumeRolePolicyDocument: written(role.trustPolicy),
      PermissionsBoundary: role.permissionsBoundary && {
        PermissionsBoundaryType: 'Policy',
        PermissionsBoundaryArn: role.permissionsBoundary.arn,
      },
    },
  }
})

/** Lists have one page. */
const PAGING = { Marker: unsupported(), MaxItems: unsupported() }

const ListRolePolicies = operation({ RoleName, ...PAGING }, (call, { RoleName: name }) => ({
  IsTruncated: false,
  PolicyNames: findRole(call, 'ListRolePolicies', name).policies.map((_, i) => inlineName(i)),
}))

const GetRolePolicy = operation({ RoleName, PolicyName }, (call, input) => {
  const { policies } = findRole(call, 'GetRolePolicy', input.RoleName)
  const document =
    policies.find((_, i) => inlineName(i) === input.PolicyName) ??
    missing(`The role policy with name ${input.PolicyName}`)
  return { ...input, PolicyDocument: written(document) }
})

const ATTACHED = { RoleName, PathPrefix: unsupported(), ...PAGING }

const ListAttachedRolePolicies = operation(ATTACHED, (call, { RoleName: name }) => ({
  IsTruncated: false,
  AttachedPolicies: (findRole(call, 'ListAttachedRolePolicies', name).attachedPolicies ?? []).map(
    (policy) => ({ PolicyName: policy.name, PolicyArn: policy.arn }),
  ),
}))

const GetPolicy = operation({ PolicyArn }, (call, { PolicyArn: arn }) => {
  const { name } = findPolicy(call, 'GetPolicy', arn)
  return { Policy: { PolicyName: name, Arn: arn, DefaultVersionId: VERSION } }
})

const GetPolicyVersion = operation({ PolicyArn, VersionId: required(string()) }, (call, input) => {
  const { document } = findPolicy(call, 'GetPolicyVersion', input.PolicyArn)
  if (input.VersionId !== VERSION) missing(`Policy version ${input.VersionId}`)
  return {
    PolicyVersion: { Document: written(document), VersionId: VERSION, IsDefaultVersion: true },
  }
})

const DECISIONS = {
  'explicit-deny-organization': 'explicitDeny',
  'no-organization-allow': 'implicitDeny',
  'explicit-deny-identity': 'explicitDeny',
  'explicit-deny-resource': 'explicitDeny',
  'no-identity-allow': 'implicitDeny',
  'no-resource-allow': 'implicitDeny',
} as const

/** Returns the condition keys of a role's policies that a request does not have. */
function missingKeys(
  { identityPolicies, permissionsBoundary }: ReturnType<typeof policiesOfRole>,
  context: RequestContext,
): string[] {
  const policies = [...identityPolicies, ...(permissionsBoundary ? [permissionsBoundary] : [])]
  const keys = policies
    .flatMap(({ statements }) => statements)
    .flatMap(({ conditions }) => Object.values(conditions).flatMap(Object.keys))
  return [...new Set(keys)].filter((key) => !context.has(key.toLowerCase()))
}

/** Evaluates a role's policies. IAM does not simulate resource-based policies of roles. */
const SimulatePrincipalPolicy = operation(
  {
    PolicySourceArn: required(string({ min: 20, max: 2048 })),
    ActionNames: required(list(required(string()), { min: 1 })),
    ResourceArns: list(required(string()), { min: 1 }),
    ContextEntries: list(
      required(
        structure({
          ContextKeyName: required(string({ min: 5, max: 256 })),
          ContextKeyType: string(),
          ContextKeyValues: list(string()),
        }),
      ),
    ),
    PolicyInputList: unsupported(),
    PermissionsBoundaryPolicyInputList: unsupported(),
    PolicyExclusionList: unsupported(),
    ResourcePolicy: unsupported(),
    ResourceOwner: unsupported(),
    CallerArn: unsupported(),
    ResourceHandlingOption: unsupported(),
    ...PAGING,
  },
  (call, { PolicySourceArn: arn, ActionNames, ResourceArns, ContextEntries = [] }) => {
    call.entry.resource = arn
    authorizeByIam(call, 'iam:SimulatePrincipalPolicy', arn)
    const role =
      [...call.account.state.roles.values()].find(
        (r) => roleArn(partitionOf(call.region), call.account.id, r.name) === arn,
      ) ?? missing(`The entity ${arn}`)
    const caller = {
      accountId: call.account.id,
      arn,
      principalArn: arn,
      userId: role.roleId,
      mfaPresent: false,
      ...policiesOfRole(role),
      serviceControlPolicy: call.account.serviceControlPolicy,
    }
    const context = requestContext([
      ['aws:PrincipalArn', arn],
      ...ContextEntries.map(({ ContextKeyName, ContextKeyValues = [] }): [string, string[]] => [
        ContextKeyName,
        ContextKeyValues,
      ]),
    ])
    return {
      IsTruncated: false,
      EvaluationResults: ActionNames.flatMap((action) =>
        (ResourceArns ?? ['*']).map((resource) => {
          const denial = evaluate({ caller, action, resource, context })
          const decision = denial === undefined ? 'allowed' : DECISIONS[denial]
          const missing = missingKeys(caller, context)
          return {
            EvalActionName: action,
            EvalResourceName: resource,
            EvalDecision: decision,
            ...(caller.serviceControlPolicy && {
              OrganizationsDecisionDetail: {
                AllowedByOrganizations: !denial?.includes('organization'),
              },
            }),
            // With ResourceArns, each resource has its own result.
            ...(ResourceArns === undefined
              ? { MissingContextValues: missing }
              : {
                  ResourceSpecificResults: [
                    {
                      EvalResourceName: resource,
                      EvalResourceDecision: decision,
                      MissingContextValues: missing,
                    },
                  ],
                }),
          }
        }),
      ),
    }
  },
)

/** The operations of IAM that read roles and their policies. */
export const iamOperations = {
  GetRole,
  ListRolePolicies,
  GetRolePolicy,
  ListAttachedRolePolicies,
  GetPolicy,
  GetPolicyVersion,
  SimulatePrincipalPolicy,
} satisfies Operations
