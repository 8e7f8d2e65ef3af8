import { expect, it } from 'vitest'
import { bindMarks } from '../../src/testing/jest-bind.js'

const IMPORT = `import { secret } from 'unplugin-kms/secret'\n`
const ADDED = `import { marks as kms_marks } from 'unplugin-kms/jest/marks'; `
const bind = (code: string) => bindMarks(code, 'src/a.ts', 'p')

it('adds its module to each mark, and leaves every line where it is', () => {
  expect(bind(`${IMPORT}const a: Promise<string> = secret.env(\n  'A',\n)`)).toBe(
    `${ADDED}${IMPORT}const a: Promise<string> = kms_marks(secret, "src/a.ts", "p").env(\n  'A',\n)`,
  )
})

it('binds a namespace and a renamed import', () => {
  const code = `import * as ns from 'unplugin-kms/secret'\nimport { secret as s } from 'unplugin-kms/secret/sync'\n`
  expect(bind(`${code}use(ns.secret.named('A'), s('kms:v1:A'))`)).toBe(
    `${ADDED}${code}use(kms_marks(ns, "src/a.ts", "p").secret.named('A'), kms_marks(s, "src/a.ts", "p")('kms:v1:A'))`,
  )
})

it('contains no plaintext literal, since Jest keeps it on the disk', () => {
  const code = bind(
    `${IMPORT}const [a, b] = [secret('correct horse'), secret(\`battery\nstaple\`)]`,
  )!
  expect(code).not.toMatch(/correct|horse|battery|staple/)
  expect(code.split('\n')).toHaveLength(3)
})

it('takes a name that the module does not have', () => {
  const code = bind(`${IMPORT}const kms_marks = secret.env('A')`)!
  expect(code).toContain('const kms_marks = _kms_marks(secret,')
})

it('leaves modules without marks as they are', () => {
  expect(bind(`const text = 'unplugin-kms/secret'`)).toBeNull()
  expect(bind(IMPORT)).toBeNull()
})

it('leaves a test that passes the marker to Jest as it is', () => {
  expect(bind(`${IMPORT}jest.spyOn(secret, 'env')\nsecret.env('A')`)).toBeNull()
})

it('rejects a mark that a build could not read, with its place', () => {
  expect(() => bind(`${IMPORT}const a = secret.env(name)`)).toThrow(
    /^src\/a\.ts:2:\d+: .*\[ARGUMENT_NOT_STATIC\]$/,
  )
  expect(() => bind(`${IMPORT}pass(secret)`)).toThrow('[MARK_AS_VALUE]')
})
