import { type LocalKms, startLocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { diagnose, type Diagnosis } from '../../src/doctor/doctor.js'
import { prunePairs } from '../../src/secrets/prune.js'
import { rotateSecrets } from '../../src/secrets/rotate.js'
import { type Broken, expectCause } from './cause.js'
import { withEndpointPolicy, INSIDE, INTERFACE, INTERNET, NAT } from './networks.js'
import { allow, context, deny, document, OTHER_KEY, principal } from './policies.js'
import { world, type World } from './world.js'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())

const moveToMlKem = async ({ options: { secretsFile, aws } }: World) => {
  const options = { secretsFile: secretsFile!, aws: aws! }
  await rotateSecrets({ ...options, postQuantum: true })
  // Pairs are in the order of their fingerprints, which are random.
  await prunePairs({ ...options, paths: [], branches: false })
}

const FUNCTION: Broken[] = [
  ...['nodejs18.x', 'nodejs20.x', 'nodejs22.x'].map((runtime): Broken => [
    `a function whose runtime ${runtime} has no ML-KEM`,
    'function',
    new RegExp(`runs on ${runtime}, and ML-KEM pairs need Node\\.js 24\\.7 or later`),
    { runtime, change: moveToMlKem },
  ]),
  [
    'a function that does not exist',
    'function',
    /function nowhere does not exist/,
    { change: ({ options }) => (options.functionName = 'nowhere') },
  ],
  [
    'a function that is led to an emulator',
    'endpoint',
    /AWS_ENDPOINT_URL_KMS points to localhost/,
    { environment: { AWS_ENDPOINT_URL_KMS: 'http://localhost:4566' } },
  ],
  [
    'a role that does not exist',
    'role',
    /role .*role\/gone does not exist/,
    {
      change: ({ options, kms }) => {
        delete options.functionName
        options.role = `arn:aws:iam::${kms.accountId}:role/gone`
      },
    },
  ],
  [
    'a VPC without a way out',
    'network',
    /cannot reach KMS in us-east-1: there is no interface endpoint, and no NAT route/,
    { network: { routeTables: [INSIDE] } },
  ],
  [
    'a VPC with an endpoint for another service',
    'network',
    /cannot reach KMS/,
    {
      network: {
        endpoints: [{ ...INTERFACE, serviceName: 'com.amazonaws.us-east-1.kinesis-streams' }],
        routeTables: [INSIDE],
      },
    },
  ],
  [
    'an endpoint without private DNS',
    'network',
    /has no private DNS/,
    { network: { endpoints: [{ ...INTERFACE, privateDns: false }], routeTables: [INSIDE] } },
  ],
  [
    'an endpoint that is not there yet',
    'network',
    /in the state pending/,
    { network: { endpoints: [{ ...INTERFACE, state: 'pending' }], routeTables: [INSIDE] } },
  ],
  [
    'subnets whose way out is an internet gateway',
    'network',
    /goes to igw-1, which a function cannot use without a public address/,
    { network: { routeTables: [INTERNET] } },
  ],
  [
    'one subnet of two that has no way out',
    'network',
    /cannot reach KMS/,
    { network: { routeTables: [INSIDE, { subnetIds: ['subnet-1'], routes: NAT.routes }] } },
  ],
  [
    'an endpoint, which is for this region only, and a key in another',
    'network',
    /cannot reach KMS in eu-west-1/,
    { keyRegion: 'eu-west-1', network: { endpoints: [INTERFACE], routeTables: [INSIDE] } },
  ],
]

const ENDPOINT_POLICY: Broken[] = [
  [
    'an endpoint whose policy leaves kms:Decrypt out',
    'endpoint-policy',
    /of the endpoint vpce-0 does not allow kms:Decrypt/,
    { network: withEndpointPolicy(allow('kms:Encrypt', '*', principal('*'))) },
  ],
  [
    'an endpoint whose policy knows another key alone',
    'endpoint-policy',
    /does not allow/,
    { network: withEndpointPolicy(allow('kms:*', OTHER_KEY, principal('*'))) },
  ],
  [
    'an endpoint whose policy is for another role',
    'endpoint-policy',
    /does not allow/,
    {
      network: withEndpointPolicy(
        allow('*', '*', principal('arn:aws:iam::111122223333:role/billing')),
      ),
    },
  ],
  [
    'an endpoint whose policy denies it',
    'endpoint-policy',
    /of the endpoint vpce-0 denies kms:Decrypt/,
    {
      network: withEndpointPolicy(
        allow('*', '*', principal('*')),
        deny('kms:Decrypt', '*', { ...principal('*'), ...context('orders') }),
      ),
    },
  ],
]

const ofRuntime = ({ checks }: Diagnosis) =>
  checks.filter(({ code }) => code.startsWith('RUNTIME_'))

describe('doctor', () => {
  it('accepts nodejs24.x for an ML-KEM pair, and any Node.js for a P-256 pair', async () => {
    const runtime = 'nodejs24.x'
    const moved = await diagnose((await world(kms, { runtime, change: moveToMlKem })).options)
    expect(ofRuntime(moved)).toMatchObject([{ status: 'ok', code: 'RUNTIME_SUPPORTED' }])
    expect(moved.verdict).toBe('fine')
    const classical = await diagnose((await world(kms, { runtime: 'nodejs20.x' })).options)
    expect(ofRuntime(classical)).toEqual([])
    expect(classical.verdict).toBe('fine')
  })

  it.each([
    ['of a custom runtime', { runtime: 'provided.al2023' }, 'provided.al2023'],
    ['of a container image', { imageUri: '1.dkr.ecr/app:1' }, 'a container image'],
  ])('does not know the Node.js %s, which an ML-KEM pair needs', async (_, changes, named) => {
    const { options } = await world(kms, { ...changes, change: moveToMlKem })
    const diagnosis = await diagnose(options)
    expect(ofRuntime(diagnosis)).toMatchObject([
      { status: 'unchecked', says: expect.stringContaining(`it runs on ${named}`) },
    ])
    expect(diagnosis.verdict).toBe('fine')
  })

  it.each([...FUNCTION, ...ENDPOINT_POLICY])(
    'reports one cause, and first: %s',
    async (_, id, says, changes) => {
      const made = await world(kms, changes)
      expectCause(await diagnose(made.options), id, says)
    },
  )
})

it.each([
  ['ECC_NIST_P256', 'P-256', undefined],
  ['ML_KEM_1024', 'ML-KEM-1024', moveToMlKem],
])('asks whether the caller may create pairs of %s for a file of %s', async (spec, _, change) => {
  const made = await world(kms, { ...(change && { change }) })
  const condition = { Condition: { StringEquals: { 'kms:DataKeyPairSpec': spec } } }
  const other = spec === 'ML_KEM_1024' ? 'ECC_NIST_P256' : 'ML_KEM_1024'
  for (const [allowed, says] of [
    [spec, 'may create data key pairs'],
    [other, 'may not create data key pairs'],
  ] as const) {
    condition.Condition.StringEquals['kms:DataKeyPairSpec'] = allowed
    const { arn } = kms.createRole({
      name: `maker-${made.functionName}-${allowed}`,
      policies: [
        document(
          allow(['kms:Decrypt', 'kms:DescribeKey'], '*'),
          allow('kms:GenerateDataKeyPairWithoutPlaintext', '*', condition),
        ),
      ],
    })
    const aws = { ...made.options.aws, credentials: kms.credentialsOf(arn) }
    const { checks } = await diagnose({ secretsFile: made.secretsFile, aws })
    const caller = checks.find(({ code }) => code === 'CALLER_PERMISSIONS')
    expect(caller!.says).toContain(says)
  }
})
