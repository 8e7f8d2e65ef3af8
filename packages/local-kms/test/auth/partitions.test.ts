import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam'
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { call, succeed } from '../call.js'

const PARTITIONS: [region: string, partition: string, dnsSuffix: string][] = [
  ['us-east-1', 'aws', 'amazonaws.com'],
  ['cn-north-1', 'aws-cn', 'amazonaws.com.cn'],
  ['us-gov-west-1', 'aws-us-gov', 'amazonaws.com'],
  ['us-iso-east-1', 'aws-iso', 'c2s.ic.gov'],
  ['us-isob-east-1', 'aws-iso-b', 'sc2s.sgov.gov'],
  ['eusc-de-east-1', 'aws-eusc', 'amazonaws.eu'],
]

const policyFor = (principal: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: principal }, Action: 'kms:*', Resource: '*' }],
})

describe.each(PARTITIONS)('the region %s', (region, partition, dnsSuffix) => {
  let kms: LocalKms
  beforeAll(async () => {
    kms = await startLocalKms({ region })
  })
  afterAll(() => kms.close())

  const clientOptions = () => ({
    endpoint: kms.url,
    region,
    credentials: kms.admin.credentials,
  })

  it('has its partition in the ARN of the caller', async () => {
    const { Arn } = await new STSClient(clientOptions()).send(new GetCallerIdentityCommand({}))
    expect(Arn).toBe(`arn:${partition}:iam::111122223333:user/admin`)
    expect(kms.admin.arn).toBe(Arn)
  })

  it('has its partition in the ARNs of roles and their sessions', async () => {
    const { arn } = kms.createRole({ name: 'app' })
    expect(arn).toBe(`arn:${partition}:iam::111122223333:role/app`)
    const { Role } = await new IAMClient(clientOptions()).send(
      new GetRoleCommand({ RoleName: 'app' }),
    )
    expect(Role?.Arn).toBe(arn)
    const { AssumedRoleUser } = await new STSClient(clientOptions()).send(
      new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: 'session' }),
    )
    expect(AssumedRoleUser?.Arn).toBe(`arn:${partition}:sts::111122223333:assumed-role/app/session`)
  })

  it('has its partition in default key policies', async () => {
    const { keyId, arn } = await kms.createKey()
    expect(arn).toMatch(`arn:${partition}:kms:${region}:`)
    const { Policy } = await succeed(kms, 'GetKeyPolicy', { KeyId: keyId })
    expect(Policy).toContain(`arn:${partition}:iam::111122223333:root`)
  })

  it('accepts key policies with principals of its partition', async () => {
    const Policy = JSON.stringify(policyFor(`arn:${partition}:iam::111122223333:root`))
    expect((await call(kms, 'CreateKey', { Policy })).status).toBe(200)
  })

  it('rejects key policies with principals of another partition', async () => {
    const other = partition === 'aws' ? 'aws-cn' : 'aws'
    const Policy = JSON.stringify(policyFor(`arn:${other}:iam::111122223333:root`))
    const request = { Policy, BypassPolicyLockoutSafetyCheck: true }
    const { type } = await call(kms, 'CreateKey', request)
    expect(type).toBe('MalformedPolicyDocumentException')
  })

  it('lets Parameter Store use its AWS managed key', async () => {
    const parameter = { Name: 'p', Value: 'v', Type: 'SecureString' }
    await succeed(kms, 'ssm:PutParameter', parameter)
    const { Parameter } = await succeed(kms, 'ssm:GetParameter', {
      Name: 'p',
      WithDecryption: true,
    })
    expect(Parameter.Value).toBe('v')
    expect(Parameter.ARN).toBe(`arn:${partition}:ssm:${region}:111122223333:parameter/p`)
    expect(kms.journal.at(-2)?.invokedBy).toBe(`ssm.${region}.${dnsSuffix}`)
  })
})

describe('one endpoint for several partitions', () => {
  let kms: LocalKms
  beforeAll(async () => {
    kms = await startLocalKms()
  })
  afterAll(() => kms.close())

  it('takes the partition of the region of each call', async () => {
    for (const [region, partition] of PARTITIONS) {
      const { endpoint, credentials } = { endpoint: kms.url, credentials: kms.admin.credentials }
      const client = new STSClient({ endpoint, region, credentials })
      const { Arn } = await client.send(new GetCallerIdentityCommand({}))
      expect(Arn).toBe(`arn:${partition}:iam::111122223333:user/admin`)
    }
  })

  it('does not allow a key to a principal of another partition', async () => {
    const { arn } = await kms.createKey({ region: 'cn-north-1' })
    const { KeyMetadata } = await succeed(
      kms,
      'DescribeKey',
      { KeyId: arn },
      { region: 'cn-north-1' },
    )
    expect(KeyMetadata.Arn).toMatch(/^arn:aws-cn:/)
    const Policy = JSON.stringify(policyFor(kms.admin.arn))
    const request = { Policy, BypassPolicyLockoutSafetyCheck: true }
    const { type } = await call(kms, 'CreateKey', request, { region: 'cn-north-1' })
    expect(type).toBe('MalformedPolicyDocumentException')
  })
})
