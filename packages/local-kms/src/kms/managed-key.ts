import { randomUUID } from 'node:crypto'
import { partitionOf, rootArn, serviceHost } from '../arn.js'
import type { Call } from '../protocol/call.js'
import { newSymmetricMaterial } from './key-material.js'

/** The services that have an AWS managed key. */
export type ManagingService = 'ssm' | 'secretsmanager'

/**
 * Returns the AWS managed key of a service (`alias/aws/ssm`) in the call's region. Creates it at its
 * first use. Its key policy allows use through that service only, and cannot be changed.
 *
 * @returns the key's alias
 */
export function managedKey(call: Call, service: ManagingService): string {
  const { keys, aliases } = call.account.region(call.region)
  const name = `alias/aws/${service}`
  if (aliases.has(name)) return name
  const keyId = randomUUID()
  keys.set(keyId, {
    keyId,
    createdAt: call.now,
    description: `Default key that protects my ${service} data when no other key is defined`,
    spec: 'SYMMETRIC_DEFAULT',
    manager: 'AWS',
    state: 'Enabled',
    policy: JSON.stringify(managedPolicy(call, service)),
    tags: [],
    materials: [newSymmetricMaterial(call.now)],
    onDemandRotations: 0,
  })
  aliases.set(name, { name, targetKeyId: keyId, createdAt: call.now, updatedAt: call.now })
  call.account.save()
  return name
}

function managedPolicy(call: Call, service: ManagingService): object {
  const accountId = call.account.id
  return {
    Version: '2012-10-17',
    Id: `auto-${service}-1`,
    Statement: [
      {
        Sid: `Allow access through ${service} for all principals in the account`,
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: [
          'kms:Encrypt',
          'kms:Decrypt',
          'kms:ReEncrypt*',
          'kms:GenerateDataKey*',
          'kms:DescribeKey',
        ],
        Resource: '*',
        Condition: {
          StringEquals: {
            'kms:ViaService': serviceHost(service, call.region),
            'kms:CallerAccount': accountId,
          },
        },
      },
      {
        Sid: 'Allow direct access to key metadata to the account',
        Effect: 'Allow',
        Principal: { AWS: rootArn(partitionOf(call.region), accountId) },
        Action: ['kms:Describe*', 'kms:Get*', 'kms:List*'],
        Resource: '*',
      },
    ],
  }
}
