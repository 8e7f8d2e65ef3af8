import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { opened, refused, startAccount, VALUE, type Account } from './sources.js'

let account: Account
beforeAll(async () => {
  account = await startAccount()
})
afterAll(() => account.close())

describe('secret.from', () => {
  it('seals the result of a function of the option sources, called once per reference', async () => {
    const asked: string[] = []
    const sources = {
      now: (reference: string) => `${reference}-given-at-once`,
      later: async (reference: string) => {
        asked.push(reference)
        return Buffer.from(`{"at":"${reference}"}`)
      },
    }
    const code = `export const now = secret.from('now', 'a'), json = secret.from('later', 'b', 'json'), bytes = secret.from('later', 'b', 'bytes')`
    const { values, atRun } = await opened(account, code, { ...account.options, sources })
    expect(values).toEqual({
      now: 'a-given-at-once',
      json: { at: 'b' },
      bytes: { bytes: Buffer.from('{"at":"b"}').toString('base64') },
    })
    expect(asked).toEqual(['b'])
    expect(atRun).toEqual(['kms:Decrypt'])
  })

  it.each<[string, () => unknown, string, RegExp]>([
    ['nothing', () => undefined, 'SOURCE_NOT_FOUND', /returned nothing/],
    ['an empty text', () => '', 'PLAINTEXT_EMPTY', /empty/],
    ['an object', () => ({ value: VALUE }), 'SOURCE_UNSUITABLE', /neither a string nor bytes/],
    ['bytes that are not UTF-8', () => Buffer.from([255, 254, 0]), 'SOURCE_UNSUITABLE', /UTF-8/],
    [
      'an error',
      () => {
        throw new Error('permission denied')
      },
      'SOURCE_FAILED',
      /permission denied/,
    ],
    ['a rejection', () => Promise.reject(new Error('timed out')), 'SOURCE_FAILED', /timed out/],
    ['an error that quotes the value', () => JSON.parse(VALUE), 'SOURCE_FAILED', /SyntaxError/],
  ])('refuses %s', async (_, vault, code, reason) => {
    const sources = { vault: vault as () => string }
    expect(
      await refused(`secret.from('vault', 'ref')`, { ...account.options, sources }, code),
    ).toMatch(reason)
  })

  it('rejects a source that the options lack, also names of the object prototype', async () => {
    const sources = { vault: () => VALUE }
    expect(
      await refused(
        `secret.from('valt', 'ref')`,
        { ...account.options, sources },
        'OPTIONS_INVALID',
      ),
    ).toContain('it has vault')
    await refused(
      `secret.from('toString', 'ref')`,
      { ...account.options, sources },
      'OPTIONS_INVALID',
    )
  })
})
