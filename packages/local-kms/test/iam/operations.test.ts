import {
  EC2Client,
  DescribeRouteTablesCommand,
  DescribeVpcEndpointsCommand,
} from '@aws-sdk/client-ec2'
import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  SimulatePrincipalPolicyCommand,
} from '@aws-sdk/client-iam'
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms, type Role } from '../../src/index.js'
import { base64, call, succeed } from '../call.js'

const statement = (Action: string, other: object = {}): object => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*', ...other }],
})
const INLINE = statement('kms:Decrypt', {
  Condition: { StringEquals: { 'kms:EncryptionContext:app': 'ö & <x>' } },
})

let kms: LocalKms
let role: Role
beforeAll(async () => {
  kms = await startLocalKms()
  role = kms.createRole({
    name: 'orders',
    policies: [INLINE],
    attachedPolicies: { reading: statement('ssm:*') },
    permissionsBoundary: statement('kms:Decrypt'),
  })
})
afterAll(() => kms.close())

const config = (credentials = kms.admin.credentials) => ({
  endpoint: kms.url,
  region: kms.region,
  credentials,
})
const iam = (): IAMClient => new IAMClient(config())
const powerless = () => config(kms.credentialsOf(kms.createRole({ name: `nobody-${++names}` }).arn))
let names = 0
const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: Error) => error.name,
  )

describe('IAM', () => {
  it('returns a role and its permissions boundary', async () => {
    const { Role: got } = await iam().send(new GetRoleCommand({ RoleName: 'orders' }))
    expect(got).toMatchObject({
      Arn: role.arn,
      PermissionsBoundary: {
        PermissionsBoundaryArn: 'arn:aws:iam::111122223333:policy/orders-boundary',
      },
    })
    expect(JSON.parse(decodeURIComponent(got?.AssumeRolePolicyDocument as string))).toBeTruthy()
  })

  it('returns inline policies unchanged and percent-encoded', async () => {
    const { PolicyNames } = await iam().send(new ListRolePoliciesCommand({ RoleName: 'orders' }))
    expect(PolicyNames).toEqual(['policy-1'])
    const { PolicyDocument } = await iam().send(
      new GetRolePolicyCommand({ RoleName: 'orders', PolicyName: 'policy-1' }),
    )
    expect(JSON.parse(decodeURIComponent(PolicyDocument as string))).toEqual(INLINE)
  })

  it('returns attached policies and the boundary by ARN and version', async () => {
    const { AttachedPolicies = [] } = await iam().send(
      new ListAttachedRolePoliciesCommand({ RoleName: 'orders' }),
    )
    expect(AttachedPolicies.map(({ PolicyName }) => PolicyName)).toEqual(['reading'])
    const { PolicyArn } = AttachedPolicies[0] as { PolicyArn: string }
    const { Policy } = await iam().send(new GetPolicyCommand({ PolicyArn }))
    const { PolicyVersion } = await iam().send(
      new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId }),
    )
    expect(JSON.parse(decodeURIComponent(PolicyVersion?.Document as string))).toEqual(
      statement('ssm:*'),
    )
  })

  it("simulates a role's policies within its boundary", async () => {
    const simulate = async (action: string, app: string): Promise<string | undefined> => {
      const { EvaluationResults } = await iam().send(
        new SimulatePrincipalPolicyCommand({
          PolicySourceArn: role.arn,
          ActionNames: [action],
          ResourceArns: ['arn:aws:kms:us-east-1:111122223333:key/x'],
          ContextEntries: [
            {
              ContextKeyName: 'kms:EncryptionContext:app',
              ContextKeyType: 'string',
              ContextKeyValues: [app],
            },
          ],
        }),
      )
      return EvaluationResults?.[0]?.EvalDecision
    }
    expect(await simulate('kms:Decrypt', 'ö & <x>')).toBe('allowed')
    expect(await simulate('kms:Decrypt', 'other')).toBe('implicitDeny')
    expect(await simulate('ssm:GetParameter', 'ö & <x>')).toBe('implicitDeny')
  })

  it('simulates the service control policy, and lists missing context keys', async () => {
    kms.putServiceControlPolicy(statement('iam:*'))
    const { EvaluationResults } = await iam()
      .send(
        new SimulatePrincipalPolicyCommand({
          PolicySourceArn: role.arn,
          ActionNames: ['kms:Decrypt'],
          ResourceArns: ['arn:aws:kms:us-east-1:111122223333:key/x'],
        }),
      )
      .finally(() => kms.putServiceControlPolicy(null))
    expect(EvaluationResults).toMatchObject([
      {
        EvalDecision: 'implicitDeny',
        OrganizationsDecisionDetail: { AllowedByOrganizations: false },
        ResourceSpecificResults: [{ MissingContextValues: ['kms:EncryptionContext:app'] }],
      },
    ])
  })

  it('answers with NoSuchEntityException and AccessDenied', async () => {
    const get = new GetRoleCommand({ RoleName: 'gone' })
    expect(await refusal(iam().send(get))).toBe('NoSuchEntityException')
    expect(await refusal(new IAMClient(powerless()).send(get))).toMatch(/^AccessDenied/)
  })
})

it("limits a role's policies by its permissions boundary", async () => {
  const { arn: KeyId } = await kms.createKey()
  const bounded = kms.createRole({
    name: 'bounded',
    policies: [statement('kms:*')],
    permissionsBoundary: statement('kms:DescribeKey'),
  })
  const credentials = kms.credentialsOf(bounded.arn)
  const input = { KeyId, Plaintext: base64('x') }
  expect((await call(kms, 'DescribeKey', { KeyId }, { credentials })).status).toBe(200)
  expect((await call(kms, 'Encrypt', input, { credentials })).type).toBe('AccessDeniedException')
})

it('does not give a new role the access of a deleted role with its name', async () => {
  const { arn: KeyId } = await kms.createKey()
  const { arn } = kms.createRole({ name: 'recreated' })
  const mine = { Effect: 'Allow', Action: 'kms:*', Resource: '*' }
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [kms.admin.arn, arn].map((AWS) => ({ ...mine, Principal: { AWS } })),
  })
  await succeed(kms, 'PutKeyPolicy', { KeyId, Policy })
  const before = kms.credentialsOf(arn)
  expect((await call(kms, 'DescribeKey', { KeyId }, { credentials: before })).status).toBe(200)

  kms.deleteRole(arn)
  kms.createRole({ name: 'recreated' })
  const as = (credentials: typeof before) => call(kms, 'DescribeKey', { KeyId }, { credentials })
  expect((await as(before)).type).toBe('UnrecognizedClientException')
  expect((await as(kms.credentialsOf(arn))).type).toBe('AccessDeniedException')
  const { body } = await call(kms, 'GetKeyPolicy', { KeyId })
  expect(JSON.stringify(body)).toMatch(/AROA[A-Z2-7]{16}/)
})

it('limits every principal of the account by the service control policy', async () => {
  const { arn: KeyId } = await kms.createKey()
  kms.putServiceControlPolicy(statement('kms:DescribeKey'))
  try {
    expect((await call(kms, 'DescribeKey', { KeyId })).status).toBe(200)
    const { type, body } = await call(kms, 'Encrypt', { KeyId, Plaintext: base64('x') })
    expect(type).toBe('AccessDeniedException')
    expect(JSON.stringify(body)).toContain('no service control policy allows the kms:Encrypt')
  } finally {
    kms.putServiceControlPolicy(null)
  }
})

describe('Lambda', () => {
  const get = (FunctionName: string, as = config()) =>
    new LambdaClient(as).send(new GetFunctionConfigurationCommand({ FunctionName }))

  it('returns the configuration of a function by name and by ARN', async () => {
    const vpc = { vpcId: 'vpc-1', subnetIds: ['subnet-1'] }
    const environment = { STAGE: 'prod' }
    const arn = kms.createFunction({ name: 'orders', role: role.arn, environment, vpc })
    for (const name of ['orders', arn]) {
      expect(await get(name)).toMatchObject({
        FunctionArn: arn,
        Role: role.arn,
        Environment: { Variables: environment },
        VpcConfig: { VpcId: 'vpc-1', SubnetIds: ['subnet-1'] },
      })
    }
  })

  it('answers with ResourceNotFoundException and AccessDeniedException', async () => {
    expect(await refusal(get('gone'))).toBe('ResourceNotFoundException')
    expect(await refusal(get('orders', powerless()))).toBe('AccessDeniedException')
  })
})

describe('EC2', () => {
  const Filters = [{ Name: 'vpc-id', Values: ['vpc-1'] }]

  it('returns the endpoints and routes of a VPC', async () => {
    kms.createNetwork({
      vpcId: 'vpc-1',
      endpoints: [{ serviceName: 'com.amazonaws.us-east-1.kms', privateDns: true }],
      routeTables: [
        { main: true, routes: { '10.0.0.0/16': 'local' } },
        { subnetIds: ['subnet-1'], routes: { '0.0.0.0/0': 'nat-1' } },
      ],
    })
    const ec2 = new EC2Client(config())
    const { VpcEndpoints } = await ec2.send(new DescribeVpcEndpointsCommand({ Filters }))
    expect(VpcEndpoints).toMatchObject([
      { ServiceName: 'com.amazonaws.us-east-1.kms', PrivateDnsEnabled: true, State: 'available' },
    ])
    const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand({ Filters }))
    expect(RouteTables).toMatchObject([
      { Associations: [{ Main: true }], Routes: [{ GatewayId: 'local' }] },
      {
        Associations: [{ SubnetId: 'subnet-1' }],
        Routes: [{ DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: 'nat-1' }],
      },
    ])
  })

  it('answers an unauthorized caller with UnauthorizedOperation', async () => {
    const ask = new EC2Client(powerless()).send(new DescribeVpcEndpointsCommand({ Filters }))
    expect(await refusal(ask)).toBe('UnauthorizedOperation')
  })
})
