import { expect, it } from 'vitest'
import { collect } from '../../../src/pipeline/collect/collect.js'
import { explainSource } from '../../../src/pipeline/resolve/source-error.js'
import type { Remote } from '../../../src/pipeline/resolve/types.js'

it('does not quote a malformed response, because it may contain the value', async () => {
  const { marks } = collect(
    `import { secret } from 'unplugin-kms/secret'\nsecret.ssm('/a', { decrypt: true })`,
    'a.ts',
  )!
  const thrown = await Promise.resolve('hunter2')
    .then(JSON.parse)
    .catch((error: unknown) => error)
  expect(String(thrown)).toContain('hunter2')
  const error = await explainSource(thrown, marks[0]!, 'ssm:GetParameters', {
    identity: async () => undefined,
  } as Partial<Remote> as Remote)
  expect(error.message).toMatch(
    /^a\.ts:2:1: secret\.ssm\('\/a'\): .*\(SyntaxError\).*\[SOURCE_FAILED\]$/,
  )
  expect(error.cause).toBeUndefined()
})
