import { describe, expect, it } from 'vitest'
import { resolveOptions } from '../src/options.js'

describe('the option runtime', () => {
  it.each([
    [{ attempts: 3 }, /runtime\.attempts\..*maxAttempts/],
    [{ toString: 1 }, /runtime\.toString\./],
    [{ start: 'lazy' }, /runtime\.start is "lazy".*'first-use'/],
    [{ deadlineMs: '2500' }, /runtime\.deadlineMs is "2500"/],
    [{ deadlineMs: 2 ** 31 }, /runtime\.deadlineMs is 2147483648/],
    [{ attemptTimeoutMs: 0 }, /runtime\.attemptTimeoutMs is 0/],
    [{ maxAttempts: 1.5 }, /runtime\.maxAttempts is 1\.5/],
    [{ insecureHosts: 'localstack' }, /runtime\.insecureHosts is "localstack"/],
    [{ insecureHosts: ['localstack:4566'] }, /without scheme and port/],
    [{ insecureHosts: ['http://localstack'] }, /without scheme and port/],
  ])('refuses at build time what would fail in production: %j', (runtime, text) => {
    const resolving = () => resolveOptions({ runtime: runtime as object })
    expect(resolving).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }))
    expect(resolving).toThrow(text)
  })

  it('takes every setting that the shim knows, and absent ones', () => {
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
