import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { CODES } from '../../src/errors.js'

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

it('docs/errors.md explains exactly the error codes', async () => {
  const runtime = [
    ...(await read('packages/runtime/src/error.ts')).matchAll(/\| '([A-Z_]+)'/g),
  ].map(([, code]) => code!)
  const explained = [...(await read('docs/errors.md')).matchAll(/^### (\w+)$/gm)].map(
    ([, code]) => code!,
  )
  expect(runtime.length).toBeGreaterThan(5)
  expect(explained.toSorted()).toEqual(
    [
      ...new Set([
        ...CODES,
        ...runtime,
        'DEV_VALUES_IGNORED',
        'DIRECT_MANY',
        'ENV_NOT_SET',
        'ENV_REPLACED',
        'PIN_PUBLIC_KEYS_ONLY',
        'PROOF_SKIPPED',
      ]),
    ].toSorted(),
  )
})
