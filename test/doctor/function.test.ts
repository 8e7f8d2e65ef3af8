import { type LocalKms, startLocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { diagnose } from '../../src/doctor/doctor.js'
import { rotateSecrets } from '../../src/secrets/rotate.js'
import { type Broken, expectCause } from './cause.js'
import { withEndpointPolicy, INSIDE, INTERFACE, INTERNET, NAT } from './networks.js'
import { allow, context, deny, OTHER_KEY, principal } from './policies.js'
import { world } from './world.js'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())

const FUNCTION: Broken[] = [
  [
    'a function whose runtime has no ML-KEM',
    'function',
    /runs on nodejs22\.x, and ML-KEM pairs need Node\.js 24\.7 or later/,
    {
      change: ({ options: { secretsFile, aws } }) =>
        rotateSecrets({ secretsFile: secretsFile!, aws: aws!, postQuantum: true }),
    },
  ],
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

describe('doctor', () => {
  it.each([...FUNCTION, ...ENDPOINT_POLICY])(
    'reports one cause, and first: %s',
    async (_, id, says, changes) => {
      const made = await world(kms, changes)
      expectCause(await diagnose(made.options), id, says)
    },
  )
})
