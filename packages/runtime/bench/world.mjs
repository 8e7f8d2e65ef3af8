// @ts-check
import {
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  KMSClient,
} from '@aws-sdk/client-kms'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { startLocalKms } from '@unplugin-kms/local-kms'
import { execFileSync } from 'node:child_process'
import { createCipheriv, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sealMlKem } from '../test/ml-kem-sealer.mjs'
import { seal, sealBuilt } from '../test/sealer.mjs'

/** The embedded KMS over https, with a certificate that lives in `folder`. @param {string} folder */
export async function startKms(folder) {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name))
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-keyout', key, '-out', cert, ...subject],
    ],
    { stdio: 'ignore' },
  )
  const ca = readFileSync(cert)
  const kms = await startLocalKms({ tls: { key: readFileSync(key), cert: ca } })
  return { kms, ca, env: { ...kms.env, NODE_EXTRA_CA_CERTS: cert } }
}

/**
 * A key and `count` secrets, sealed in every way that the programs ask for.
 *
 * @param {import('@unplugin-kms/local-kms').LocalKms} kms
 * @param {Buffer} ca the certificate that it shows
 * @param {number} count
 */
export async function makeSecrets(kms, ca, count) {
  const { credentials } = kms.admin
  const client = {
    endpoint: kms.url,
    region: kms.region,
    credentials,
    requestHandler: { httpsAgent: { ca } },
  }
  const kmsClient = new KMSClient(client)
  const ssm = new SSMClient(client)
  const { arn: keyArn } = await kms.createKey()
  const newPair = (/** @type {'ECC_NIST_P256' | 'ML_KEM_1024'} */ KeyPairSpec) =>
    kmsClient.send(
      new GenerateDataKeyPairWithoutPlaintextCommand({
        KeyId: keyArn,
        KeyPairSpec,
        EncryptionContext: { app: 'bench' },
      }),
    )
  const [pair, mlKemPair] = [await newPair('ECC_NIST_P256'), await newPair('ML_KEM_1024')]
  const dataKey = await kmsClient.send(
    new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256' }),
  )
  const probe = await kmsClient.send(
    new EncryptCommand({ KeyId: keyArn, Plaintext: Buffer.alloc(138) }),
  )
  const values = Array.from(
    { length: count },
    (_, i) => `value-${i}-${randomBytes(12).toString('hex')}`,
  )
  const tokens = await Promise.all(
    values.map((value) => seal(Buffer.from(pair.PublicKey ?? []), value)),
  )
  const messages = values.map((plaintext, i) => ({ name: `SECRET_${i}`, plaintext }))
  const builtTokens = await sealBuilt(Buffer.from(pair.PublicKey ?? []), messages)
  const sealTo = (/** @type {1 | 4} */ kind) =>
    sealMlKem(
      Buffer.from(mlKemPair.PublicKey ?? []),
      messages.map((message) => ({ kind, ...message })),
    )
  const mlKem = { tokens: sealTo(1), builtTokens: sealTo(4) }
  const parameters = values.slice(0, 100).map((_, i) => `/bench/${i}`)
  for (const [i, Name] of parameters.entries()) {
    await ssm.send(
      new PutParameterCommand({ Name, Value: values[i], Type: 'SecureString', KeyId: keyArn }),
    )
  }
  const boxes = values.map((value) => box(dataKey.Plaintext ?? new Uint8Array(), value))
  const common = {
    keyArn,
    pairBlob: base64(pair.PrivateKeyCiphertextBlob),
    dataKeyBlob: base64(dataKey.CiphertextBlob),
    probe: JSON.stringify({ KeyId: keyArn, CiphertextBlob: base64(probe.CiphertextBlob) }),
  }
  return {
    /** @param {number} n */
    first: (n) => ({
      ...common,
      values: values.slice(0, n),
      tokens: tokens.slice(0, n),
      builtTokens: builtTokens.slice(0, n),
      mlKem: {
        blob: base64(mlKemPair.PrivateKeyCiphertextBlob),
        tokens: mlKem.tokens.slice(0, n),
        builtTokens: mlKem.builtTokens.slice(0, n),
      },
      parameters: parameters.slice(0, n),
      boxes: boxes.slice(0, n),
    }),
  }
}

const base64 = (/** @type {Uint8Array | undefined} */ bytes) =>
  Buffer.from(bytes ?? []).toString('base64')

/** @param {Uint8Array} key @param {string} value */
function box(key, value) {
  const nonce = randomBytes(12)
  const aead = createCipheriv('aes-256-gcm', key, nonce)
  return base64(Buffer.concat([nonce, aead.update(value), aead.final(), aead.getAuthTag()]))
}
