import { describe, expect, it } from 'vitest'
import { resolveOptions } from '../../src/options/resolve-options.js'

describe('an option', () => {
  it.each<[object, RegExp]>([
    [{ keyID: 'alias/app' }, /no option keyID\. Did you mean keyId\?.* keyId,/],
    [{ aws: { reigon: 'us-east-1' } }, /no option aws\.reigon\..* region,/],
    [{ leakCheck: { exept: ['A'] } }, /no option leakCheck\.exept\..* except/],
    [{ proof: { exept: ['A'] } }, /no option proof\.exept\..* except/],
    [{ proof: {}, leakCheck: {} }, /leakCheck and proof are both set.*Remove proof/],
    [{ keyId: '' }, /keyId is ''.* Is the variable/],
    [{ include: 'src/**' }, /include is 'src\/\*\*'.* a regular expression/],
    [{ exclude: [/a/, 'vendor'] }, /exclude is \[ \/a\/, 'vendor' \]/],
    [{ encryptionContext: 'app=orders' }, /encryptionContext is .*\{ app: 'orders' \}/],
    [{ encryptionContext: { app: 1 } }, /encryptionContext is \{ app: 1 \}/],
    [{ mode: 'fast' }, /mode is 'fast'. Allowed: 'envelope', 'direct'/],
    [{ aws: 'us-east-1' }, /option aws has no valid value.* an object of region,/],
    [{ aws: { fips: 'yes' } }, /aws\.fips is 'yes'/],
    [{ leakCheck: { except: 'A' } }, /leakCheck\.except is 'A'/],
    [{ leakCheck: { minLength: 3 } }, /leakCheck\.minLength is 3.* 4 or more/],
    [{ secretsFile: 5 }, /secretsFile is 5/],
    [{ manifest: true }, /manifest is true/],
    [{ types: 'no' }, /types is 'no'/],
    [{ sources: { vault: 'x' } }, /option sources has no valid value/],
    [{ dev: {} }, /option dev has no valid value.* an object of values/],
  ])('that would be misread or ignored is refused by its name: %j', (options, text) => {
    const resolving = () => resolveOptions(options)
    expect(resolving).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }))
    expect(resolving).toThrow(text)
  })

  it.each([
    { aws: { credentials: 'AKIA-and-its-secret' } },
    { env: 'KEY=its-secret' },
    { dev: { values: ['its-secret'] } },
    { sources: ['its-secret'] },
  ])('that may contain a secret is rejected without showing it: %j', (options) => {
    const resolving = () => resolveOptions(options as object)
    expect(resolving).toThrow(/has no valid value/)
    expect(resolving).not.toThrow(/its-secret/)
  })
})

describe('the option runtime', () => {
  it.each([
    [{ attempts: 3 }, /runtime\.attempts\..*maxAttempts/],
    [{ toString: 1 }, /runtime\.toString\./],
    [{ start: 'lazy' }, /runtime\.start is 'lazy'.*'first-use'/],
    [{ deadlineMs: '2500' }, /runtime\.deadlineMs is '2500'/],
    [{ deadlineMs: 2 ** 31 }, /runtime\.deadlineMs is 2147483648/],
    [{ attemptTimeoutMs: 0 }, /runtime\.attemptTimeoutMs is 0/],
    [{ maxAttempts: 1.5 }, /runtime\.maxAttempts is 1\.5/],
    [{ insecureHosts: 'localstack' }, /runtime\.insecureHosts is 'localstack'/],
    [{ insecureHosts: ['localstack:4566'] }, /without scheme and port/],
    [{ insecureHosts: ['http://localstack'] }, /without scheme and port/],
  ])('rejects settings that would fail in production: %j', (runtime, text) => {
    const resolving = () => resolveOptions({ runtime: runtime as object })
    expect(resolving).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }))
    expect(resolving).toThrow(text)
  })

  it('accepts every setting of the shim, and absent ones', () => {
    const runtime = {
      start: 'first-use' as const,
      attemptTimeoutMs: 500,
      deadlineMs: 1000,
      maxAttempts: 2,
      insecureHosts: ['localstack', '10.0.0.1', '[fd00::1]'],
    }
    expect(resolveOptions({ runtime }).runtime).toEqual(runtime)
    expect(resolveOptions().runtime).toEqual({})
    expect(() => resolveOptions({ runtime: { insecureHosts: undefined } as object })).not.toThrow()
  })
})
