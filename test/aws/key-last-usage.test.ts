import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { keyLastUsage } from '../../src/aws/key-last-usage.js'

const arn = (id: number) =>
  `arn:aws:kms:us-east-1:111122223333:key/${id}1111111-2222-3333-4444-555555555555`

/** The embedded KMS does not serve this operation: answers as AWS's API reference describes them. */
async function endpoint(answers: Record<string, [status: number, body: object]>) {
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const { KeyId } = JSON.parse(text) as { KeyId: string }
      const [status, body] = answers[KeyId]!
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

it('returns when a key was last used, and leaves out keys without an answer', async () => {
  const Timestamp = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000
  const aws = {
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    endpoint: await endpoint({
      [arn(1)]: [200, { KeyId: arn(1), KeyLastUsage: { Operation: 'Decrypt', Timestamp } }],
      [arn(2)]: [200, { KeyId: arn(2), KeyLastUsage: {} }],
      [arn(3)]: [400, { __type: 'AccessDeniedException', message: 'not allowed' }],
    }),
  }
  expect(await keyLastUsage([arn(1), arn(2), arn(3)], aws)).toEqual([
    { keyArn: arn(1), operation: 'Decrypt', at: '2026-01-02T03:04:05.000Z' },
  ])
})
