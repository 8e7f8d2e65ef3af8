import * as iam from '@aws-sdk/client-iam'
import * as kms from '@aws-sdk/client-kms'
import * as lambda from '@aws-sdk/client-lambda'
import * as secretsmanager from '@aws-sdk/client-secrets-manager'
import * as ssm from '@aws-sdk/client-ssm'
import * as sts from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { OPERATIONS } from '../../src/server/services.js'
import { call, succeed } from '../call.js'
import { makeWorld, ROWS } from '../kms/requests.js'

/** The shapes of the operations in the AWS SDK. */
const SDKS: Record<string, object> = { kms, ssm, secretsmanager, sts, iam, lambda }
const MEMBERS = 4

function documented(service: string, operation: string, side: 'input' | 'output'): string[] {
  const schema = (SDKS[service] as Record<string, unknown[]>)[`${operation}$`]
  const shape = schema?.[side === 'input' ? 4 : 5] as unknown[] | (() => unknown[])
  const members = (typeof shape === 'function' ? shape() : shape)[MEMBERS]
  return Array.isArray(members) ? members.toSorted() : []
}

const served = Object.keys(SDKS).flatMap((service) =>
  Object.entries(OPERATIONS[service as keyof typeof OPERATIONS]).map(
    ([operation, { shape }]) => [`${service}:${operation}`, service, operation, shape] as const,
  ),
)

describe('an operation', () => {
  it.each(served)('%s has exactly the request members of AWS', (_, service, operation, shape) => {
    expect(Object.keys(shape).toSorted()).toEqual(documented(service, operation, 'input'))
  })
})

describe('the AWS SDK', () => {
  let server: LocalKms
  beforeAll(async () => {
    server = await startLocalKms()
  })
  afterAll(() => server.close())

  type Request = Record<string, unknown>
  const bytes = (base64: unknown): Uint8Array => Buffer.from(base64 as string, 'base64')

  it.each(Object.entries(ROWS))('calls %s and reads the documented answer', async (name, row) => {
    const operation = row.operation ?? name
    const request = async (): Promise<Request> => {
      const world = await makeWorld(server, row)
      const KeyId = world.keyId
      if (operation === 'CancelKeyDeletion') await succeed(server, 'ScheduleKeyDeletion', { KeyId })
      return row.input(world)
    }
    const { url: endpoint, region, admin } = server
    const client = new kms.KMSClient({ endpoint, region, credentials: admin.credentials })
    const Command = (kms as unknown as Record<string, new (input: object) => kms.ListKeysCommand>)[
      `${operation}Command`
    ]!
    const input = await request()
    for (const blob of ['Plaintext', 'CiphertextBlob']) {
      if (blob in input) input[blob] = bytes(input[blob])
    }
    const { $metadata, ...read } = await client.send(new Command(input))
    expect($metadata.httpStatusCode).toBe(200)
    const { body } = await call(server, operation, await request())
    expect(documented('kms', operation, 'output')).toEqual(
      expect.arrayContaining(Object.keys(body)),
    )
    expect(Object.keys(read).toSorted()).toEqual(Object.keys(body).toSorted())
  })
})
