import {
  EncryptCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  KMSClient,
} from '@aws-sdk/client-kms'
import { startLocalKms, type LocalKms, type LocalKmsOptions } from '@unplugin-kms/local-kms'
import { afterEach, beforeEach } from 'vitest'
import type { Wrapped } from '../src/shim.js'
import { seal } from './sealer.mjs'

/** An embedded KMS of each test's own, to which the test's environment leads. */
export function useKms(options?: LocalKmsOptions): World {
  const world = new World()
  beforeEach(async () => {
    world.kms = await startLocalKms(options)
    Object.assign(process.env, world.kms.env)
  })
  afterEach(async () => {
    for (const name of Object.keys(world.kms.env)) delete process.env[name]
    await world.kms.close()
  })
  return world
}

export const CONTEXT = { app: 'orders', stage: 'prod' }

/** For calls that KMS answers, also on a busy machine. */
export const PATIENT = { attemptTimeoutMs: 20_000, deadlineMs: 60_000, maxAttempts: 3 }

/** For calls that KMS does not answer. */
export const HASTY = { attemptTimeoutMs: 1000, deadlineMs: 10_000, maxAttempts: 3 }

export class World {
  kms!: LocalKms

  get decrypts() {
    return this.kms.journal.filter(({ operation }) => operation === 'Decrypt')
  }

  client(region = this.kms.region) {
    return new KMSClient({
      endpoint: this.kms.url,
      region,
      credentials: this.kms.admin.credentials,
    })
  }

  /** A data key pair of a new key, and what seals to it. */
  async pair(region = this.kms.region) {
    const { arn } = await this.kms.createKey({ region })
    const { PublicKey, PrivateKeyCiphertextBlob } = await this.client(region).send(
      new GenerateDataKeyPairWithoutPlaintextCommand({
        KeyId: arn,
        KeyPairSpec: 'ECC_NIST_P256',
        EncryptionContext: CONTEXT,
      }),
    )
    const spki = Buffer.from(PublicKey!)
    const wrapped: Wrapped = [arn, hostOf(this.kms), base64(PrivateKeyCiphertextBlob!)]
    return {
      arn,
      spki,
      wrapped,
      seal: (plaintext: string, entry?: Entry) => seal(spki, plaintext, entry),
    }
  }

  /** A ciphertext of its own, under a new key. */
  async encrypt(plaintext: string | Uint8Array, region = this.kms.region): Promise<Wrapped> {
    const { arn } = await this.kms.createKey({ region })
    const { CiphertextBlob } = await this.client(region).send(
      new EncryptCommand({
        KeyId: arn,
        Plaintext: Buffer.from(plaintext),
        EncryptionContext: CONTEXT,
      }),
    )
    return [arn, hostOf(this.kms), base64(CiphertextBlob!)]
  }
}

type Entry = Parameters<typeof seal>[2]

export const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

const hostOf = ({ url }: LocalKms) => new URL(url).host
