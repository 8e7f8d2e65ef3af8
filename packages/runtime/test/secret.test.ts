import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { KmsSecretError } from '../src/error.js'
import { secret } from '../src/secret.js'

const VALUE = 'hunter2-hunter2'
const of = (text: string | Uint8Array) => async () => Buffer.from(text)

describe('a secret', () => {
  it('starts when it is first awaited, once for all callers', async () => {
    let begun = 0
    const lazy = secret('DB', undefined, async () => Buffer.from(`${VALUE}${++begun}`))
    expect(begun).toBe(0)
    expect(await Promise.all([lazy, lazy, lazy.then((value) => value)])).toEqual(
      Array(3).fill(`${VALUE}1`),
    )
    expect(await lazy).toBe(`${VALUE}1`)
  })

  it('starts again after a failure', async () => {
    let begun = 0
    const lazy = secret('DB', undefined, async () => {
      if (!begun++) throw { code: 'KMS_UNREACHABLE', why: 'down' }
      return Buffer.from(VALUE)
    })
    await expect(lazy).rejects.toMatchObject({ code: 'KMS_UNREACHABLE' })
    expect(await lazy).toBe(VALUE)
  })

  it('has the catch and finally of a promise', async () => {
    let finals = 0
    const failing = secret('DB', undefined, async () => Promise.reject(new Error('x')))
    expect(await failing.catch((error: KmsSecretError) => error.code)).toBe('OPEN_FAILED')
    await expect(secret('DB', undefined, of(VALUE)).finally(() => finals++)).resolves.toBe(VALUE)
    expect(finals).toBe(1)
    expect(secret('DB', undefined, of(VALUE))).toBeInstanceOf(Promise)
  })

  it('shows its label and no value when printed, before and after it was opened', async () => {
    const lazy = secret('DB', undefined, of(VALUE))
    const views = () => [
      JSON.stringify({ lazy }),
      ...[
        {},
        { showHidden: true, depth: 20, getters: true },
        { customInspect: false, showHidden: true, depth: 20 },
      ].map((options) => inspect({ lazy }, options)),
    ]
    const before = views()
    await lazy
    expect(views()).toEqual(before)
    for (const view of before) {
      expect(view).toContain('secret DB')
      expect(view).not.toContain(VALUE)
    }
    expect(Reflect.ownKeys(lazy)).toEqual([])
    expect(structuredClone(lazy)).toEqual({})
  })

  it.each([
    ['String()', (lazy: unknown) => String(lazy)],
    ['a template', (lazy: unknown) => `${lazy}`],
    ['+', (lazy: never) => 'postgres://' + lazy],
    ['toString()', (lazy: object) => lazy.toString()],
    ['toLocaleString()', (lazy: object) => lazy.toLocaleString()],
    ['Number()', (lazy: unknown) => Number(lazy)],
    ['Buffer.from()', (lazy: never) => Buffer.from(lazy)],
    ['Array.join()', (lazy: unknown) => [lazy].join()],
  ])('throws NOT_AWAITED with its name if it is used by %s', (_, use) => {
    expect(() => use(secret('DB', undefined, of(VALUE)) as never)).toThrow(
      expect.objectContaining({
        code: 'NOT_AWAITED',
        secret: 'DB',
        message: expect.stringContaining('DB'),
      }),
    )
  })

  it('of text is exact UTF-8, or an error', async () => {
    const marked = '\uFEFFpäss\u0000😀'
    expect(await secret('DB', undefined, of(marked))).toBe(marked)
    await expect(secret('DB', undefined, of(Buffer.of(0xff)))).rejects.toMatchObject({
      code: 'OPEN_FAILED',
    })
  })

  it('of bytes has memory of its own', async () => {
    const bytes = (await secret('PEM', 'bytes', of(VALUE))) as Uint8Array
    expect(bytes).toEqual(new TextEncoder().encode(VALUE))
    expect(bytes.constructor).toBe(Uint8Array)
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength)
  })

  it('of JSON is the parsed value', async () => {
    expect(await secret('CONFIG', 'json', of('{"a":[1,null]}'))).toEqual({ a: [1, null] })
    expect(await secret('CONFIG', 'json', of('null'))).toBe(null)
  })

  it('of invalid JSON fails without quoting it', async () => {
    const error = await secret('CONFIG', 'json', of(`{"password":"${VALUE}"`)).catch(
      (error) => error,
    )
    expect(error).toMatchObject({ code: 'OPEN_FAILED', secret: 'CONFIG' })
    expect(inspect(error, { showHidden: true, depth: 20 })).not.toContain('hunter')
    const short = await secret('CONFIG', 'json', of('hunter2')).catch((error) => error)
    expect(inspect(short, { showHidden: true, depth: 20 })).not.toContain('hunter')
  })
})

describe('the error of a secret', () => {
  it('has the name of the secret and the code', async () => {
    const error = await secret('DB', undefined, async () => {
      throw { code: 'PAIR_UNKNOWN', why: 'sealed to another data key pair' }
    }).catch((error: unknown) => error as KmsSecretError)
    if (!(error instanceof KmsSecretError)) throw new Error('it was opened')
    expect(error).toBeInstanceOf(KmsSecretError)
    expect(error.name).toBe('KmsSecretError')
    expect(error.message).toBe('DB: sealed to another data key pair [PAIR_UNKNOWN]')
  })

  it('has the name of each secret if one unwrap fails for several', async () => {
    const failure = async () => {
      throw { code: 'KMS_FAILED', why: 'no' }
    }
    const errors = await Promise.all(
      ['A', 'B'].map((name) => secret(name, undefined, failure).catch((error: unknown) => error)),
    )
    expect((errors as KmsSecretError[]).map(({ secret }) => secret)).toEqual(['A', 'B'])
  })
})
