import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { base64, call, succeed } from '../call.js'
import { bundle } from '../fixtures/bundle.js'

/** Set by `npm run test:matrix`. */
const triesAll = process.env.COMBINATIONS === 'all'

it.runIf(triesAll)('uses constant memory for 14,000 Decrypt calls', async () => {
  const child = fork(await bundle('server.ts'), { execArgv: ['--expose-gc'] })
  try {
    const [kms] = (await once(child, 'message')) as [LocalKms & { arn: string }]
    const memory = async (): Promise<number> => {
      child.send('memory')
      const [answer] = (await once(child, 'message')) as [{ memory: number }]
      return answer.memory
    }
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const request = {
      KeyId: kms.arn,
      Plaintext: base64('secret'),
      EncryptionContext: { app: 'x' },
    }
    const { CiphertextBlob } = await succeed(kms, 'Encrypt', request, { agent })
    const decrypt = async (times: number): Promise<void> => {
      const input = { CiphertextBlob, EncryptionContext: { app: 'x' } }
      for (let i = 0; i < times; i += 1) {
        const { status } = await call(kms, 'Decrypt', input, { agent })
        if (status !== 200) throw new Error(`call ${i}: ${status}`)
      }
    }
    // Before that, the code warms up. The duration depends on the version of Node.
    await decrypt(6_000)
    const before = await memory()
    await decrypt(8_000)
    const growth = (await memory()) - before
    agent.destroy()
    // A leak of 100 bytes per call would be 800,000.
    expect(growth).toBeLessThan(400_000)
  } finally {
    child.kill()
  }
})

it('answers 200 concurrent Decrypt calls', async () => {
  const kms = await startLocalKms()
  const { arn: KeyId } = await kms.createKey()
  const { credentials } = kms.admin
  const client = new KMSClient({ endpoint: kms.url, region: kms.region, credentials })
  const calls = Array.from({ length: 200 }, async (_, i) => {
    const Plaintext = Buffer.from(`secret ${i}`)
    const { CiphertextBlob } = await client.send(new EncryptCommand({ KeyId, Plaintext }))
    const opened = await client.send(new DecryptCommand({ CiphertextBlob }))
    return Buffer.from(opened.Plaintext as Uint8Array).toString() === `secret ${i}`
  })
  expect((await Promise.all(calls)).filter(Boolean)).toHaveLength(200)
  await kms.close()
})
