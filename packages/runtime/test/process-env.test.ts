import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { processEnv, processEnvSync } from '../src/process-env.js'
import { envelope } from '../src/shim.js'
import { bundle } from './program.js'
import { run } from './run.js'
import { CONTEXT, PATIENT, useKms } from './world.js'

const world = useKms()
let warnings: unknown[]

beforeEach(() => {
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation((...warning) => warnings.push(warning))
  for (const name of ['STRIPE_KEY', 'DB_URL']) vi.stubEnv(name, undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** Secrets of one pair by the names of their variables. */
async function secretsOf(plaintexts: Record<string, string>) {
  const pair = await world.pair()
  const open = envelope([pair.wrapped], CONTEXT, { ...PATIENT, start: 'first-use' })
  const entries = Object.entries(plaintexts).map(async ([name, plaintext]) => {
    const token = await pair.seal(plaintext, { kind: 2, name })
    return [name, [open(token, name)]] as const
  })
  return Object.fromEntries((await Promise.all(entries)).map(([name, [secret]]) => [name, secret!]))
}

const PLAINTEXTS = { STRIPE_KEY: 'sk_live_1', DB_URL: 'postgres://user:pässword@host/db' }

describe('processEnv', () => {
  it('sets all variables with one Decrypt', async () => {
    await processEnv(await secretsOf(PLAINTEXTS))()
    expect(process.env).toMatchObject(PLAINTEXTS)
    expect(world.decrypts).toHaveLength(1)
    expect(warnings).toEqual([])
  })

  it('sets them once for all calls', async () => {
    const set = processEnv(await secretsOf(PLAINTEXTS))
    await Promise.all([set(), set()])
    process.env.STRIPE_KEY = 'changed later'
    await set()
    expect(process.env.STRIPE_KEY).toBe('changed later')
    expect(world.decrypts).toHaveLength(1)
  })

  it('replaces an existing variable, with a warning that names it and shows no value', async () => {
    process.env.STRIPE_KEY = 'sk_test_2'
    process.env.DB_URL = PLAINTEXTS.DB_URL
    await processEnv(await secretsOf(PLAINTEXTS))()
    expect(process.env).toMatchObject(PLAINTEXTS)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toEqual([
      expect.stringMatching(/variable STRIPE_KEY .*\[ENV_REPLACED]$/),
      { type: 'KmsSecretWarning', code: 'ENV_REPLACED' },
    ])
    expect(JSON.stringify(warnings)).not.toMatch(/sk_|postgres/)
  })

  it('keeps an existing variable if that is asked for, even an empty one', async () => {
    process.env.STRIPE_KEY = ''
    await processEnv(await secretsOf(PLAINTEXTS), { existing: 'keep' })()
    expect(process.env).toMatchObject({ ...PLAINTEXTS, STRIPE_KEY: '' })
    expect(warnings).toEqual([])
  })

  it('calls nothing if all variables exist and are kept', async () => {
    Object.assign(process.env, { STRIPE_KEY: 'a', DB_URL: 'b' })
    await processEnv(await secretsOf(PLAINTEXTS), { existing: 'keep' })()
    expect(process.env).toMatchObject({ STRIPE_KEY: 'a', DB_URL: 'b' })
    expect(world.decrypts).toEqual([])
  })

  it('sets nothing if the unwrap fails, and the next call tries again', async () => {
    const set = processEnv(await secretsOf(PLAINTEXTS))
    const fault = world.kms.faults.add({
      kind: 'error',
      type: 'DisabledException',
      operation: 'Decrypt',
    })
    await expect(set()).rejects.toMatchObject({ name: 'KmsSecretError', code: 'KMS_FAILED' })
    expect(process.env).not.toHaveProperty('DB_URL')
    fault.remove()
    await set()
    expect(process.env).toMatchObject(PLAINTEXTS)
  })

  it.each([
    ['a NUL', 'before\0after'],
    ['half a surrogate pair', Buffer.from([0xed, 0xa0, 0x80]).toString('latin1')],
  ])('never changes a value that contains %s', async (_, plaintext) => {
    const set = processEnv(await secretsOf({ ...PLAINTEXTS, STRIPE_KEY: plaintext }))
    const outcome = await set().then(
      () => process.env.STRIPE_KEY,
      (error: unknown) => error,
    )
    if (plaintext.includes('\0')) {
      expect(outcome).toMatchObject({ code: 'OPEN_FAILED', secret: 'STRIPE_KEY' })
      expect(String(outcome)).not.toContain('before')
      expect(process.env).not.toHaveProperty('DB_URL')
    } else {
      expect(outcome).toBe(plaintext)
    }
  })

  it('rejects bytes and JSON', async () => {
    for (const value of [new Uint8Array(3), { a: 1 }, undefined]) {
      const set = processEnv({ STRIPE_KEY: Promise.resolve(value) })
      await expect(set()).rejects.toMatchObject({ code: 'OPEN_FAILED', secret: 'STRIPE_KEY' })
      expect(() => processEnvSync({ STRIPE_KEY: () => value })).toThrow(/^STRIPE_KEY: /)
    }
    expect(process.env).not.toHaveProperty('STRIPE_KEY')
  })
})

describe('processEnvSync', () => {
  it('sets all variables or none, and the next call tries again', () => {
    let failures = 1
    const secrets = {
      STRIPE_KEY: () => 'sk_live_1',
      DB_URL: () => {
        if (failures--) throw new Error('unreachable')
        return 'postgres://'
      },
    }
    expect(() => processEnvSync(secrets)).toThrow('unreachable')
    expect(process.env).not.toHaveProperty('STRIPE_KEY')
    processEnvSync(secrets)
    expect(process.env).toMatchObject({ STRIPE_KEY: 'sk_live_1', DB_URL: 'postgres://' })
  })

  it('sets variables before the next module runs, in CommonJS', async () => {
    const pair = await world.pair()
    const token = await pair.seal('sk_live_1', { kind: 2, name: 'STRIPE_KEY' })
    const args = [[pair.wrapped], CONTEXT, PATIENT].map((value) => JSON.stringify(value)).join(', ')
    const { file } = await bundle(
      `import { envelopeSync } from './sync.mjs'
import { processEnvSync } from './process-env.mjs'
const open = envelopeSync(${args})
processEnvSync({ STRIPE_KEY: () => open(${JSON.stringify(token)}, 'STRIPE_KEY') })
const client = () => { const key = process.env.STRIPE_KEY; return key }
console.log(client())`,
      '',
      'cjs',
    )
    const { output, errors } = await run(file, { env: { ...world.kms.env, STRIPE_KEY: 'test' } })
    expect(output).toBe('sk_live_1\n')
    expect(errors).toMatch(
      /^\(node:\d+\) \[ENV_REPLACED] KmsSecretWarning: the environment variable STRIPE_KEY/,
    )
  })
})
