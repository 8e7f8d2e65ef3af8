import { type LocalKms, parsePolicy, startLocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluateAccess } from '../../src/doctor/access.js'
import type { CheckId } from '../../src/doctor/check.js'
import { circumstancesOf } from '../../src/doctor/circumstances.js'
import { diagnose, type DoctorOptions } from '../../src/doctor/doctor.js'
import { withEndpointPolicy } from './networks.js'
import {
  account,
  allow,
  context,
  deny,
  document,
  nothing,
  OTHER_KEY,
  principal,
  sessionOf,
} from './policies.js'
import { type Changes, CONTEXT, world } from './world.js'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())

describe('doctor', () => {
  const said = async (changes: Changes, options: DoctorOptions = {}) => {
    const made = await world(kms, changes)
    const { checks, verdict } = await diagnose({ ...made.options, ...options })
    return { checks, verdict, of: (id: CheckId) => checks.find((check) => check.id === id) }
  }

  it('reports a key of another account as unchecked', async () => {
    const { of, verdict } = await said({ foreignKey: true })
    expect(of('access')).toMatchObject({ status: 'unchecked' })
    expect(of('access')!.says).toMatch(
      /the key policy could not be read: kms:GetKeyPolicy is denied/,
    )
    expect(verdict).toBe('fine')
  })

  it('reports a key policy that the caller may not read as unchecked', async () => {
    const { credentials } = kms.createUser({
      name: 'auditor',
      policies: [document(allow('*', '*'), deny('kms:GetKeyPolicy', '*'))],
    })
    const { of, verdict } = await said({
      policies: nothing,
      change: ({ options }) => (options.aws = { ...options.aws, credentials }),
    })
    expect(of('access')).toMatchObject({ status: 'unchecked' })
    expect(of('access')!.says).toContain('kms:GetKeyPolicy is denied to the caller')
    expect(verdict).toBe('fine')
  })

  it('reports a role of another account as unchecked, whatever its name', async () => {
    const role = 'arn:aws:iam::444455556666:role/orders'
    kms.createRole({ name: 'orders', policies: nothing() })
    const { of, verdict } = await said({
      keyPolicy: () => document(allow('kms:Decrypt', '*', principal(role))),
      change: ({ options }) => {
        delete options.functionName
        options.role = role
      },
    })
    expect(of('role')).toMatchObject({ status: 'unchecked' })
    expect(of('access')).toMatchObject({ status: 'unchecked' })
    expect(verdict).toBe('fine')
  })

  it('reports a policy whose context depends on a tag as unchecked', async () => {
    const { of, verdict } = await said({
      policies: (key) => [document(allow('kms:Decrypt', key, context('${aws:PrincipalTag/app}')))],
    })
    expect(of('access')!.says).toMatch(/depends on aws:PrincipalTag\/app/)
    expect([of('access')!.status, verdict]).toEqual(['unchecked', 'fine'])
  })

  it('reports a policy for a key that depends on a tag as unchecked', async () => {
    const { of } = await said({
      policies: (key) => [
        document(allow('kms:Decrypt', key.replace(/\/.*/, '/${aws:PrincipalTag/key}'))),
      ],
    })
    expect(of('access')!.says).toMatch(/depends on aws:PrincipalTag\/key/)
  })

  it('reports an endpoint policy with a condition on the organization as unchecked', async () => {
    const organization = { Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } }
    const { of } = await said({
      network: withEndpointPolicy(allow('*', '*', { ...principal('*'), ...organization })),
    })
    expect(of('endpoint-policy')!.says).toMatch(/depends on aws:PrincipalOrgID/)
    expect(of('endpoint-policy')!.status).toBe('unchecked')
  })

  it('reports a role whose session the key policy names as unchecked', async () => {
    const { of } = await said({
      policies: nothing,
      keyPolicy: (role) =>
        document(allow('kms:Decrypt', '*', principal(`${sessionOf(role)}/orders`))),
      change: ({ options, role }) => {
        delete options.functionName
        options.role = role
      },
    })
    expect(of('access')!.says).toMatch(/names sessions of the role: give --function/)
    expect(of('access')!.status).toBe('unchecked')
  })

  it('reports a grant that a permissions boundary may limit as unchecked', async () => {
    const { of } = await said({
      policies: nothing,
      boundary: () => document(allow('s3:*', '*')),
      keyPolicy: () => document(),
      change: ({ key, role }) =>
        kms.createGrant({ key, granteePrincipal: role, operations: ['Decrypt'] }),
    })
    expect(of('access')!.says).toMatch(/a permissions boundary may limit the grant/)
    expect(of('access')!.status).toBe('unchecked')
  })

  it('reports a grant with a Deny that depends on the call as unchecked', async () => {
    const atEndpoint = { Condition: { StringNotEquals: { 'aws:SourceVpce': 'vpce-1' } } }
    const { of } = await said({
      policies: () => [document(deny('kms:*', '*', atEndpoint))],
      keyPolicy: () => document(),
      change: ({ key, role }) =>
        kms.createGrant({ key, granteePrincipal: role, operations: ['Decrypt'] }),
    })
    expect(of('access')!.says).toMatch(/depends on aws:SourceVpce/)
  })

  it('reports a role for which IAM’s simulation disagrees as unchecked', () => {
    const role = { arn: 'arn:aws:iam::111122223333:role/orders', account: '111122223333' }
    const policyOf = (kind: 'identity' | 'resource', more: object = {}) =>
      parsePolicy(JSON.stringify(document(allow('kms:*', '*', more))), kind)
    const none = { got: [] }
    const key = { arn: OTHER_KEY, policy: { got: '' }, grants: none, aliases: none }
    const [check] = evaluateAccess({
      role: {
        ...role,
        policies: [{ name: 'p', policy: policyOf('identity') }],
        exists: true,
        checks: [],
      },
      session: 'orders',
      keyArn: OTHER_KEY,
      encryptionContext: CONTEXT,
      keyPolicy: { policy: policyOf('resource', account(role.account)) },
      grants: { grants: [] },
      simulated: { decision: 'implicitDeny', missing: [] },
      call: circumstancesOf(role, { ...key, isUnusable: false, checks: [] }, CONTEXT),
    })
    expect(check).toMatchObject({ id: 'simulation', status: 'unchecked' })
  })

  it.each([
    ['a transit gateway', { '10.0.0.0/8': 'tgw-1' }],
    [
      'a transit gateway next to an internet gateway',
      { '0.0.0.0/0': 'igw-1', '10.0.0.0/8': 'tgw-1' },
    ],
    ['a NAT gateway, for some addresses alone', { '52.0.0.0/8': 'nat-1' }],
  ])('reports networks that are reached through %s as unchecked', async (_, routes) => {
    const { of, verdict } = await said({ network: { routeTables: [{ main: true, routes }] } })
    expect(of('network')!.says).toMatch(/routes go to (tgw|nat)-1.*is unknown/)
    expect([of('network')!.status, verdict]).toEqual(['unchecked', 'fine'])
  })

  it('reports an endpoint policy that names the account as unchecked', async () => {
    const { of } = await said({
      network: withEndpointPolicy(allow('*', '*', account('111122223333'))),
    })
    expect(of('endpoint-policy')!.status).toBe('unchecked')
  })

  it('reports a key policy for everyone with a permissions boundary as unchecked', async () => {
    const { of } = await said({
      policies: nothing,
      boundary: () => document(allow('s3:*', '*')),
      keyPolicy: (role) =>
        document(
          allow('kms:Decrypt', '*', {
            ...principal('*'),
            Condition: { ArnEquals: { 'aws:PrincipalArn': role } },
          }),
        ),
    })
    expect(of('access')).toMatchObject({ status: 'unchecked' })
    expect(of('access')!.says).toMatch(/names everyone/)
  })

  it('reports what the key policy means for a role of another account', async () => {
    const role = 'arn:aws:iam::444455556666:role/orders'
    const { of } = await said({
      change: ({ options }) => {
        delete options.functionName
        options.role = role
      },
    })
    expect(of('key-policy')!.says).toMatch(/^whatever the role's policies allow, the key policy/)
  })
})
