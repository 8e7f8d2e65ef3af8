import { EncryptCommand } from '@aws-sdk/client-kms'
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { globalAgent } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import type { KmsSecretError } from '../src/error.js'
import { direct, envelope, type Settings } from '../src/shim.js'
import { newPair, seal } from './sealer.mjs'
import { base64, CONTEXT, PATIENT, useKms } from './world.js'

const world = useKms()

const settled = (count: number, outcome?: string) =>
  expect
    .poll(() => world.decrypts.filter((entry) => !outcome || entry.outcome === outcome))
    .toHaveLength(count)

/** The shim has read every answer that KMS has given. */
const read = async () => {
  await expect.poll(() => Object.keys(globalAgent.sockets)).toEqual([])
  await turn()
}

const batches = <T>(all: T[], size = 50) =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
    all.slice(i * size, (i + 1) * size),
  )

describe('an envelope', () => {
  it('opens all secrets with one Decrypt that has the key ARN and the context', async () => {
    const pair = await world.pair()
    const open = envelope([pair.wrapped], CONTEXT, PATIENT)
    const [text, named, json, bytes] = await Promise.all([
      open(await pair.seal('hunter2'), 'literal'),
      open(await pair.seal('pässword', { kind: 2, name: 'DB' }), 'DB'),
      open(await pair.seal('{"a":1}'), 'CONFIG', 'json'),
      open(await pair.seal('abc', { kind: 3 }), 'PEM', 'bytes'),
    ])
    expect([text, named, json, bytes]).toEqual([
      'hunter2',
      'pässword',
      { a: 1 },
      new TextEncoder().encode('abc'),
    ])
    expect(world.decrypts).toMatchObject([
      { keyArn: pair.arn, encryptionContext: CONTEXT, outcome: 'Success' },
    ])
  })

  it('starts when it is loaded', async () => {
    envelope([(await world.pair()).wrapped], CONTEXT, PATIENT)
    await settled(1, 'Success')
  })

  it('starts at the first await with start: first-use', async () => {
    const pair = await world.pair()
    const open = envelope([pair.wrapped], CONTEXT, { ...PATIENT, start: 'first-use' })
    const secret = open(await pair.seal('hunter2'), 'DB')
    expect(world.decrypts).toHaveLength(0)
    expect(await secret).toBe('hunter2')
    expect(world.decrypts).toHaveLength(1)
  })

  it('starts again with all its attempts if the one at load failed before the first await', async () => {
    const pair = await world.pair()
    const token = await pair.seal('hunter2')
    const fault = world.kms.faults.add({
      kind: 'error',
      type: 'AccessDeniedException',
      operation: 'Decrypt',
      times: 1,
    })
    const open = envelope([pair.wrapped], CONTEXT, { ...PATIENT, maxAttempts: 1 })
    await expect.poll(() => fault.strikes).toBe(1)
    await settled(1)
    await read()
    expect(await open(token, 'DB')).toBe('hunter2')
  })

  it('fails silently if nothing is awaited', async () => {
    const pair = await world.pair()
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    world.kms.faults.add({ kind: 'error', type: 'AccessDeniedException', operation: 'Decrypt' })
    envelope([pair.wrapped], CONTEXT, PATIENT)
    await settled(1)
    await read()
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('fails with the name of each secret, and tries again at the next await', async () => {
    const pair = await world.pair()
    const open = envelope([pair.wrapped], CONTEXT, { ...PATIENT, start: 'first-use' })
    const tokens = [await pair.seal('a'), await pair.seal('b')]
    const fault = world.kms.faults.add({
      kind: 'error',
      type: 'DisabledException',
      operation: 'Decrypt',
    })
    const results = await Promise.allSettled([open(tokens[0]!, 'A'), open(tokens[1]!, 'B')])
    expect(results).toMatchObject([{ reason: { secret: 'A' } }, { reason: { secret: 'B' } }])
    expect(world.decrypts).toHaveLength(1)
    fault.remove()
    expect(await open(tokens[0]!, 'A')).toBe('a')
  })

  it('is shared by all copies of the shim in the thread, and shows no key', async () => {
    const pair = await world.pair()
    const token = await pair.seal('hunter2-hunter2')
    const first = envelope([pair.wrapped], CONTEXT, PATIENT)
    vi.resetModules()
    const copy = await import('../src/shim.js')
    expect(copy.envelope).not.toBe(envelope)
    const second = copy.envelope([pair.wrapped], CONTEXT, PATIENT)
    expect(await Promise.all([first(token, 'A'), second(token, 'B')])).toEqual(
      Array(2).fill('hunter2-hunter2'),
    )
    expect(world.decrypts).toHaveLength(1)
    const common = (globalThis as never)[Symbol.for('unplugin-kms')]
    const shown = inspect(common, { depth: 20, showHidden: true, getters: true })
    expect(shown).not.toMatch(/hunter2|Promise|Buffer|ECDH/)
  })
})

describe('a pair that is wrapped in several regions', () => {
  const both = async () => {
    const [east, west] = [await world.pair('us-east-1'), await world.pair('eu-west-1')]
    // One secret, wrapped twice: the eastern pair's private key, encrypted in the west as well.
    return { east, west }
  }
  const regions = () => world.decrypts.map(({ region }) => region)
  const encryptIn = async (region: string) => world.encrypt('hunter2', region)
  const settings: Settings = { ...PATIENT, maxAttempts: 3 }

  it('asks the own region first, wherever it is in the list', async () => {
    const wrapped = [await encryptIn('eu-west-1'), await encryptIn('us-east-1')]
    expect(await direct(wrapped, CONTEXT, 'DB', undefined, settings)).toBe('hunter2')
    expect(regions()).toEqual(['us-east-1'])
  })

  it('asks the next region if one refuses, and does not ask that one again', async () => {
    const [east, west] = [await encryptIn('us-east-1'), await encryptIn('eu-west-1')]
    east[2] = base64(Buffer.from('no ciphertext'))
    world.kms.faults.add({ kind: 'throttle', operation: 'Decrypt', times: 1 })
    expect(await direct([east, west], CONTEXT, 'DB', undefined, settings)).toBe('hunter2')
    expect(regions().at(-1)).toBe('eu-west-1')
  })

  it('asks the next region if one unwraps to something else', async () => {
    const pkcs8 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      type: 'pkcs8',
      format: 'der',
    })
    const spki = createPublicKey(
      createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
    ).export({ type: 'spki', format: 'der' })
    const wrapped = [
      await world.encrypt('abc', 'us-east-1'),
      await world.encrypt(pkcs8, 'eu-west-1'),
    ]
    const open = envelope(wrapped, CONTEXT, settings)
    await settled(1, 'Success')
    expect(await open(await seal(spki, 'hunter2'), 'DB')).toBe('hunter2')

    const none = envelope([wrapped[0]!], CONTEXT, settings)
    await expect(none(await seal(spki, 'hunter2'), 'DB')).rejects.toMatchObject({
      code: 'OPEN_FAILED',
      message: expect.stringMatching(`${wrapped[0]![0]} with .*: not a private key`),
    })
  })

  it('reports the answer of each region if all fail', async () => {
    const wrapped = [await encryptIn('us-east-1'), await encryptIn('eu-west-1')]
    world.kms.faults.add({
      kind: 'error',
      type: 'AccessDeniedException',
      operation: 'Decrypt',
      times: 1,
    })
    world.kms.faults.add({
      kind: 'error',
      type: 'DisabledException',
      operation: 'Decrypt',
      times: 1,
    })
    const error = await direct(wrapped, CONTEXT, 'DB', undefined, settings).catch(
      (error: Error) => error,
    )
    for (const part of [
      wrapped[0]![0],
      'AccessDeniedException',
      wrapped[1]![0],
      'DisabledException',
    ]) {
      expect((error as Error).message).toContain(part)
    }
    expect(world.decrypts).toHaveLength(2)
  })

  it('reports a region that refuses and one that unwraps to something else', async () => {
    const [east, west] = [await encryptIn('us-east-1'), await encryptIn('eu-west-1')]
    const { spki } = newPair()
    world.kms.faults.add({
      kind: 'error',
      type: 'DisabledException',
      operation: 'Decrypt',
      times: 1,
    })
    const open = envelope([east, west], CONTEXT, { ...settings, start: 'first-use' })
    const error = await open(await seal(spki, 'hunter2'), 'DB').catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'OPEN_FAILED', secret: 'DB' })
    for (const part of [east[0], 'DisabledException', west[0], 'not a private key']) {
      expect((error as Error).message).toContain(part)
    }
  })

  it('unwraps each pair separately', async () => {
    const { east, west } = await both()
    const tokens = [await east.seal('e'), await west.seal('w')]
    const values = [
      envelope([east.wrapped], CONTEXT, PATIENT)(tokens[0]!, 'E'),
      envelope([west.wrapped], CONTEXT, PATIENT)(tokens[1]!, 'W'),
    ]
    expect(await Promise.all(values)).toEqual(['e', 'w'])
    expect(regions().sort()).toEqual(['eu-west-1', 'us-east-1'])
  })
})

describe('direct', () => {
  it('calls KMS when a secret is first awaited, once', async () => {
    const secret = direct([await world.encrypt('hunter2')], CONTEXT, 'DB')
    expect(world.decrypts).toHaveLength(0)
    expect([await secret, await secret]).toEqual(['hunter2', 'hunter2'])
    expect(world.decrypts).toHaveLength(1)
  })

  it('sends at most eight requests at a time', async () => {
    const wrapped = await world.encrypt('hunter2')
    const hang = world.kms.faults.add({ kind: 'hang', operation: 'Decrypt' })
    const patient = { attemptTimeoutMs: 2000, deadlineMs: 10_000, maxAttempts: 3 }
    const secrets = Array.from({ length: 20 }, (_, i) =>
      direct([wrapped], CONTEXT, `S${i}`, undefined, patient),
    )
    const all = Promise.all(secrets)
    await expect.poll(() => hang.strikes).toBe(8)
    // A ninth would have come before this.
    await world.encrypt('later')
    expect(hang.strikes).toBe(8)
    hang.remove()
    expect(await all).toEqual(Array(20).fill('hunter2'))
  })

  it('opens the ciphertext of an RSA key, without an encryption context', async () => {
    const { arn } = await world.kms.createKey({ spec: 'RSA_2048' })
    const EncryptionAlgorithm = 'RSAES_OAEP_SHA_256'
    const { CiphertextBlob } = await world
      .client()
      .send(
        new EncryptCommand({ KeyId: arn, Plaintext: Buffer.from('hunter2'), EncryptionAlgorithm }),
      )
    expect(
      await direct([[arn, 'unused', base64(CiphertextBlob!), EncryptionAlgorithm]], CONTEXT, 'DB'),
    ).toBe('hunter2')
  })
})

describe('a blob', () => {
  const spoiled = (blob: string) => {
    const bytes = Buffer.from(blob, 'base64')
    const flipped = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const copy = Buffer.from(bytes)
      copy[bit >> 3]! ^= 1 << (bit & 7)
      return copy
    })
    return [...flipped, ...Array.from(bytes, (_, length) => bytes.subarray(0, length))].map(base64)
  }
  // A generous deadline: thousands wait for their turn.
  const patient = { attemptTimeoutMs: 20_000, deadlineMs: 25_000 }

  it('of a data key pair opens nothing if any bit is flipped or it is truncated', async () => {
    const pair = await world.pair()
    const token = await pair.seal('hunter2')
    const [arn, host, blob] = pair.wrapped
    const settings = { ...patient, start: 'first-use' } as const
    const codes = new Set<unknown>()
    for (const batch of batches(spoiled(blob))) {
      const secrets = batch.map((wrong) =>
        envelope(
          [[arn, host, wrong]],
          CONTEXT,
          settings,
        )(token, 'DB').catch((error: KmsSecretError) => error.code),
      )
      for (const code of await Promise.all(secrets)) codes.add(code)
    }
    expect(codes).toEqual(new Set(['KMS_FAILED']))
  })

  it('of a secret returns no value if any bit is flipped or it is truncated', async () => {
    const [arn, host, blob] = await world.encrypt('hunter2')
    const secrets = spoiled(blob).map((wrong) =>
      direct([[arn, host, wrong]], CONTEXT, 'DB', undefined, patient).catch(
        (error: KmsSecretError) => error.code,
      ),
    )
    expect(new Set(await Promise.all(secrets))).toEqual(new Set(['KMS_FAILED']))
  })
})

describe('plain http', () => {
  it.each([
    'http://10.0.0.1',
    'http://kms.example.com:4566',
    'http://127.0.0.1.example.com',
    'http://127.0.0.1@example.com',
    'http://user:hunter2@example.com',
  ])('is refused for %s, with the host in the message', async (url) => {
    const wrapped = await world.encrypt('hunter2')
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', url)
    const error = await direct([wrapped], CONTEXT, 'DB', undefined, PATIENT).catch(
      (error: unknown) => error,
    )
    const { code, message } = error as KmsSecretError
    expect(code).toBe('ENDPOINT_INSECURE')
    expect(message).toContain(`http://${new URL(url).hostname} is not https`)
    expect(message).not.toContain('hunter2')
    vi.unstubAllEnvs()
  })

  it('is not assumed for an address without a scheme', async () => {
    const wrapped = await world.encrypt('hunter2')
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', 'localhost:4566')
    await expect(direct([wrapped], CONTEXT, 'DB', undefined, PATIENT)).rejects.toMatchObject({
      code: 'ENDPOINT_INSECURE',
      message: expect.stringContaining('localhost:// is not https'),
    })
    vi.unstubAllEnvs()
  })

  it('is allowed to insecureHosts', async () => {
    const wrapped = await world.encrypt('hunter2')
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', world.kms.url.replace('127.0.0.1', '0.0.0.0'))
    await expect(direct([wrapped], CONTEXT, 'DB', undefined, PATIENT)).rejects.toMatchObject({
      code: 'ENDPOINT_INSECURE',
    })
    const trusting = { ...PATIENT, insecureHosts: ['0.0.0.0'] }
    expect(await direct([wrapped], CONTEXT, 'DB', undefined, trusting)).toBe('hunter2')
    vi.unstubAllEnvs()
  })

  it('is sent to AWS_ENDPOINT_URL if AWS_ENDPOINT_URL_KMS is not set', async () => {
    const wrapped = await world.encrypt('hunter2')
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', '')
    vi.stubEnv('AWS_ENDPOINT_URL', world.kms.url)
    expect(await direct([wrapped], CONTEXT, 'DB', undefined, PATIENT)).toBe('hunter2')
    vi.unstubAllEnvs()
  })
})
