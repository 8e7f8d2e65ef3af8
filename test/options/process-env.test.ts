import { describe, expect, it } from 'vitest'
import { resolveOptions } from '../../src/options/resolve-options.js'

const SECRET = 'sk_live_planted-7Q'
const resolved = (processEnv: unknown, processEnvOptions?: object) =>
  resolveOptions({ processEnv, processEnvOptions } as never)

describe('the option processEnv', () => {
  it('accepts names, true, or a source for each variable', () => {
    expect(resolved(undefined).processEnv).toBeUndefined()
    expect(resolved(true).processEnv).toBe(true)
    expect(resolved(['A', 'B']).processEnv).toEqual({ A: { named: 'A' }, B: { named: 'B' } })
    const sources = {
      A: { env: 'A' },
      B: { ssm: '/b', decrypt: true, keyId: 'alias/b' },
      C: { secretsManager: 'c', key: 'k', stage: 'AWSPREVIOUS' },
      D: { ciphertext: 'AQICAH', encryptionContext: { app: 'd' }, algorithm: 'SM2PKE' },
      E: { from: 'vault', reference: 'e' },
      F: { file: './f' },
    }
    expect(resolved(sources).processEnv).toEqual(sources)
  })

  it('replaces existing variables and defers CommonJS by default', () => {
    expect(resolved(true).processEnvOptions).toEqual({ existing: 'replace', cjs: 'facade' })
    expect(resolved(true, { existing: 'keep' }).processEnvOptions.existing).toBe('keep')
  })

  it.each<[processEnv: unknown, message: RegExp]>([
    [[], /processEnv is empty/],
    [{}, /processEnv is empty/],
    ['STRIPE_KEY', /processEnv has no valid value\. Allowed: true for all entries/],
    [[1], /processEnv has no valid value/],
    [false, /processEnv has no valid value/],
    [{ A: SECRET }, /processEnv\.A has no valid value\. Allowed: an object with a source/],
    [{ A: {} }, /processEnv\.A has no source\. Allowed: one of named, env/],
    [{ A: { smm: 'A' } }, /processEnv\.A has no source.*Did you mean ssm\? \[/],
    [{ A: { env: 'A', named: 'A' } }, /processEnv\.A has the sources named and env/],
    [{ A: { env: '' } }, /processEnv\.A\.env has no valid value\. Allowed: a non-empty string/],
    [{ A: { ssm: '/a', decrypt: 'yes' } }, /processEnv\.A\.decrypt .*Allowed: true or false/],
    [{ A: { from: 'vault' } }, /processEnv\.A\.reference has no valid value/],
    [{ A: { ssm: '/a', keyid: 'x' } }, /unknown property keyid.*Did you mean keyId\?/],
    [{ A: { ciphertext: SECRET, algorithm: SECRET } }, /processEnv\.A\.algorithm/],
    [
      { A: { ciphertext: SECRET, encryptionContext: { a: 1 } } },
      /encryptionContext .*object of strings/,
    ],
    [{ 'A=B': { env: 'A' } }, /a name that no environment variable can have/],
    [[`DB_URL=${SECRET}`], /a name that no environment variable can have/],
  ])('rejects %j without showing a value', (processEnv, message) => {
    const rejected = () => resolved(processEnv)
    expect(rejected).toThrow(message)
    expect(rejected).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }))
    expect(rejected).not.toThrow(SECRET)
  })

  it('rejects unknown ways of setting the variables', () => {
    expect(() => resolved(true, { existing: 'both' })).toThrow(
      /processEnvOptions\.existing is 'both'/,
    )
    expect(() => resolved(true, { cjs: 'sync' })).toThrow(/Allowed: 'facade', 'blocking'/)
    expect(() => resolved(true, { esm: 'facade' })).toThrow(/no option processEnvOptions\.esm/)
  })
})
