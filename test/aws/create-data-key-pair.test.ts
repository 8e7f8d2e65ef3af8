import { createECDH, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createDataKeyPair } from '../../src/aws/create-data-key-pair.js'
import { kmsCalls } from '../../src/aws/kms.js'

const KEY = 'arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555'

/** Starts an endpoint that answers every call with a data key pair of this public key. */
async function endpointWith(publicKey: Buffer) {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    response.end(
      JSON.stringify({
        KeyId: KEY,
        KeyPairSpec: 'ECC_NIST_P256',
        PublicKey: publicKey.toString('base64'),
        PrivateKeyCiphertextBlob: 'AAAA',
      }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return kmsCalls({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
}

const spkiOf = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'der', type: 'spki' })

it('takes the public key that KMS returns', async () => {
  const publicKey = spkiOf('P-256')
  const pair = await createDataKeyPair(await endpointWith(publicKey), [KEY], {})
  expect(pair.publicKey).toEqual(publicKey)
})

it.each<[string, Buffer]>([
  ['of another curve', spkiOf('P-384')],
  ['of a curve with points of the same size', spkiOf('secp256k1')],
  ['that is not on the curve', spkiOf('P-256').fill(1, 30)],
  ['without its header', createECDH('prime256v1').generateKeys()],
  ['of a few bytes', Buffer.of(4)],
])('rejects a public key %s from an endpoint', async (_, publicKey) => {
  const kms = await endpointWith(publicKey)
  await expect(createDataKeyPair(kms, [KEY], {})).rejects.toMatchObject({ code: 'KMS_FAILED' })
})
