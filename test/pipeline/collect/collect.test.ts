import { describe, expect, it } from 'vitest'
import { KmsBuildError } from '../../../src/errors.js'
import { collect } from '../../../src/pipeline/collect/collect.js'
import type { Mark } from '../../../src/pipeline/collect/mark.js'

const IMPORT = `import { secret } from 'unplugin-kms/secret'\n`
const marksOf = (code: string, file = 'a.ts') =>
  collect(code, file)!.marks.map(({ source, argument, format, sync }) => ({
    source,
    argument,
    format,
    sync,
  }))
const argumentsOf = (code: string, file = 'a.ts') =>
  marksOf(IMPORT + code, file).map(({ argument }) => argument)

function failure(code: string, file = 'a.ts') {
  try {
    collect(code, file)
  } catch (error) {
    if (error instanceof KmsBuildError) return error
    throw error
  }
  throw new Error('collect accepted it')
}

describe('collect', () => {
  it('finds literal, env, file and named marks', () => {
    const code = `${IMPORT}secret('a'); secret.env('B'); secret.file('./c', 'bytes'); secret.named('D', 'json')`
    expect(marksOf(code)).toEqual([
      { source: 'literal', argument: 'a', format: 'text', sync: false },
      { source: 'env', argument: 'B', format: 'text', sync: false },
      { source: 'file', argument: './c', format: 'bytes', sync: false },
      { source: 'named', argument: 'D', format: 'json', sync: false },
    ])
  })

  it('finds a mark under another name', () => {
    expect(marksOf(`import { secret as s } from 'unplugin-kms/secret'\ns('a')`)).toHaveLength(1)
  })

  it('finds a mark through a namespace', () => {
    expect(
      marksOf(
        `import * as kms from 'unplugin-kms/secret'\nkms.secret('a'); kms.secret.env('B')`,
      ).map(({ source }) => source),
    ).toEqual(['literal', 'env'])
  })

  it('finds no mark if the name is shadowed', () => {
    expect(
      argumentsOf(
        `function f(secret) { return secret('no') }\nconst g = (secret = (x) => x) => secret('no')\nsecret('yes')`,
      ),
    ).toEqual(['yes'])
  })

  it('finds no mark without the import', () => {
    expect(collect(`secret('a') // unplugin-kms/secret`, 'a.ts')).toBeNull()
  })

  it('distinguishes the sync and the async form in one module', () => {
    const code = `import { secret } from 'unplugin-kms/secret'\nimport { secret as now } from 'unplugin-kms/secret/sync'\nsecret('a'); now('b')`
    expect(marksOf(code).map(({ sync }) => sync)).toEqual([false, true])
  })

  it('ignores types', () => {
    expect(
      collect(`import type { Secret } from 'unplugin-kms/secret'\nlet x: Secret`, 'a.ts'),
    ).toBeNull()
    expect(
      marksOf(
        `import { secret, type Secret } from 'unplugin-kms/secret'\nlet x: typeof secret\nlet y: Secret = secret('a')`,
      ),
    ).toHaveLength(1)
  })
})

describe('collect finds a mark in any expression', () => {
  it.each([
    ['a class field', `class A { #a = secret('x'); static b = secret.env('y') }`],
    ['a default argument', `function f(a = secret('x'), { b = secret.env('y') } = {}) {}`],
    ['an object value', `const o = { a: secret('x'), [k]: [secret.env('y')] }`],
    [
      'a decorator',
      `class A { constructor(@Inject(secret('x')) a: string) {} @Env(secret.env('y')) b }`,
    ],
    [
      'a decorator before what it decorates',
      `@Env(secret('x')) export class A {} export default @Env(secret.env('y')) class B {}`,
    ],
    ['a name in other letters', String.raw`s\u0065cret('x'); secret.env('y')`],
    [
      'an await in a generator',
      `async function* f() { yield await secret('x'); using z = secret.env('y') }`,
    ],
    [
      'an enum-like satisfies',
      `const a = secret('x') satisfies unknown, b = <Promise<string>>secret.env('y')`,
    ],
  ])('%s', (_, code) => expect(argumentsOf(code)).toEqual(['x', 'y']))

  it('finds a mark in a JSX attribute and a child', () => {
    expect(argumentsOf(`const e = <A b={secret('x')}>{secret.env('y')}</A>`, 'a.tsx')).toEqual([
      'x',
      'y',
    ])
    expect(argumentsOf(`const e = <A b={secret('x')}>{secret.env('y')}</A>`, 'a.jsx')).toEqual([
      'x',
      'y',
    ])
  })

  it('finds marks in generic arrow functions and ECMAScript decorators', () => {
    expect(argumentsOf(`const f = <T,>(a: T) => secret('x')`, 'a.mts')).toEqual(['x'])
    expect(argumentsOf(`@(dec.of(1)) class A { a = secret('x') }`, 'a.js')).toEqual(['x'])
  })
})

it.each([
  'class A { accessor x = secret.env("A"); static accessor y = 1 }',
  'import defer * as z from "x"; secret.env("A")',
  'import source z from "x"; secret.env("A")',
  'import d from "./d.json" assert { type: "json" }; secret.env("A")',
  'import d from "./d.json" with { type: "json" }; secret.env("A")',
  'using a = b; secret.env("A")',
])('collect parses the syntax that bundlers accept: %s', (code) => {
  // An escape keeps the module from being read by its tokens alone.
  expect(argumentsOf(`${code};\n'\\u0061'`)).toEqual(['A'])
})

describe('collect reads a static argument', () => {
  it.each([
    [`'a' + "b"`, 'ab'],
    ['`a\nb`', 'a\nb'],
    [`('a' + (\`b\` + 'c'))`, 'abc'],
    [String.raw`'\x61\u{1F600}\n'`, 'a\u{1F600}\n'],
  ])('%s', (argument, value) => expect(argumentsOf(`secret(${argument})`)).toEqual([value]))

  it.each([
    'name',
    '`${name}`',
    "'a' + name",
    'process.env.X',
    "cond ? 'a' : 'b'",
    '...args',
    '',
    "'a', 'b', 'c'",
    '42',
    'null',
  ])('rejects secret(%s), with the place and no value', (argument) => {
    const error = failure(`${IMPORT}\n  const hunter2 = secret(${argument})`)
    expect(error.code).toBe('ARGUMENT_NOT_STATIC')
    expect(error.place).toEqual({ file: 'a.ts', line: 3, column: 19 })
    expect(error.message).toMatch(/^a\.ts:3:19: /)
  })

  it('rejects an unknown format', () => {
    expect(failure(`${IMPORT}secret.file('./a', 'yaml')`).code).toBe('FORMAT_UNKNOWN')
    expect(failure(`${IMPORT}secret.env('A', 'json')`).code).toBe('FORMAT_UNKNOWN')
    expect(failure(`${IMPORT}secret.vault('A')`).code).toBe('MARK_UNKNOWN')
  })
})

describe('collect reads the arguments after the first', () => {
  const read = (code: string) => {
    const [{ argument, detail, encryptionContext, options, format }] = collect(
      IMPORT + code,
      'a.ts',
    )!.marks as [Mark]
    return {
      argument,
      ...(detail && { detail }),
      ...(Object.keys(encryptionContext).length && { encryptionContext }),
      ...options,
      format,
    }
  }

  it.each<[string, object]>([
    [`secret.ssm('/a')`, { argument: '/a', format: 'text' }],
    [
      `secret.ssm('/a', { decrypt: true, 'keyId': \`k\`, as: 'json' })`,
      { argument: '/a', decrypt: true, keyId: 'k', format: 'json' },
    ],
    [`secret.secretsManager('a', 'b')`, { argument: 'a', detail: 'b', format: 'text' }],
    [`secret.secretsManager('a', { stage: 'S' })`, { argument: 'a', stage: 'S', format: 'text' }],
    [
      `secret.secretsManager('a', 'b' + 'c', { as: 'json' })`,
      { argument: 'a', detail: 'bc', format: 'json' },
    ],
    [
      `secret.ciphertext('AQ', { app: 'x', stage: 'p' })`,
      { argument: 'AQ', encryptionContext: { app: 'x', stage: 'p' }, format: 'text' },
    ],
    [
      `secret.ciphertext('AQ', {}, { algorithm: 'RSAES_OAEP_SHA_1', as: 'bytes' })`,
      { argument: 'AQ', algorithm: 'RSAES_OAEP_SHA_1', format: 'bytes' },
    ],
    [`secret.from('vault', 'ref', 'bytes')`, { argument: 'vault', detail: 'ref', format: 'bytes' }],
  ])('%s', (code, expected) => expect(read(code)).toEqual(expected))

  it.each([
    ['ARGUMENT_NOT_STATIC', `secret.ssm('/a', options)`],
    ['ARGUMENT_NOT_STATIC', `secret.ssm('/a', { decrypt: flag })`],
    ['ARGUMENT_NOT_STATIC', `secret.ssm('/a', { ...rest })`],
    ['ARGUMENT_NOT_STATIC', `secret.ssm('/a', { [key]: true })`],
    ['ARGUMENT_NOT_STATIC', `secret.ssm('/a', { decrypt: true, decrypt: false })`],
    ['ARGUMENT_NOT_STATIC', `secret.ssm('/a', 'json')`],
    ['ARGUMENT_NOT_STATIC', `secret.ciphertext('AQ', { app: { nested: 'x' } })`],
    ['ARGUMENT_NOT_STATIC', `secret.from('vault')`],
    ['ARGUMENT_NOT_STATIC', `secret.from('vault', name)`],
    ['ARGUMENT_NOT_STATIC', `secret.secretsManager('a', 'b', {}, {})`],
    ['MARK_OPTION_INVALID', `secret.ssm('/a', { decryption: true })`],
    ['MARK_OPTION_INVALID', `secret.ssm('/a', { toString: 'x' })`],
    ['MARK_OPTION_INVALID', `secret.ssm('/a', { decrypt: 'yes' })`],
    ['MARK_OPTION_INVALID', `secret.ssm('/a', { keyId: '' })`],
    ['MARK_OPTION_INVALID', `secret.ssm('/a', { as: 'yaml' })`],
    ['MARK_OPTION_INVALID', `secret.ciphertext('AQ', { app: true })`],
    ['MARK_OPTION_INVALID', `secret.ciphertext('AQ', {}, { algorithm: 'ROT13' })`],
    ['FORMAT_UNKNOWN', `secret.from('vault', 'ref', 'yaml')`],
  ])('rejects with %s: %s', (code, mark) => {
    const error = failure(`${IMPORT}${mark}`)
    expect(error.code).toBe(code)
    expect(error.place).toEqual({ file: 'a.ts', line: 2, column: 1 })
  })
})

describe('collect rejects secret as a value', () => {
  it.each([
    ['passed', `f(secret)`],
    ['stored', `const s = secret`],
    ['spread', `const o = { ...secret }`],
    ['in a shorthand', `const o = { secret }`],
    ['exported', `export { secret }`],
    ['taken apart', `const { env } = secret`],
    ['constructed', `new secret('hunter2')`],
    ['called optionally', `secret?.('hunter2')`],
    ['a template tag', 'secret`hunter2`'],
    ['a computed member', `secret['env']('hunter2')`],
    ['bound', `secret.bind(null)('hunter2')`],
    ['under an alias of TypeScript', `import s = secret`],
    ['one of its marks stored', `const env = secret.env`],
  ])('%s', (_, code) => {
    const error = failure(IMPORT + code)
    expect(['MARK_AS_VALUE', 'MARK_UNKNOWN', 'ARGUMENT_NOT_STATIC']).toContain(error.code)
    expect(error.place?.line).toBe(2)
    expect(error.message).not.toContain('hunter2')
  })

  it.each([
    ['re-exported', `export { secret } from 'unplugin-kms/secret'`],
    ['all re-exported', `export * from 'unplugin-kms/secret'`],
    ['loaded by require', `const { secret } = require('unplugin-kms/secret')`],
    ['loaded by import()', `const { secret } = await import('unplugin-kms/secret')`],
    ['loaded by import =', `import kms = require('unplugin-kms/secret')`],
    ['imported by default', `import secret from 'unplugin-kms/secret'`],
    ['an unknown export', `import { secrets } from 'unplugin-kms/secret'`],
    ['a namespace stored', `import * as kms from 'unplugin-kms/secret'; const k = kms`],
  ])('%s', (_, code) => expect(failure(code).code).toBe('MARK_AS_VALUE'))
})

it('collect reports the place of a syntax error, and shows no line of the module', () => {
  const error = failure(`${IMPORT}const a = secret('hunter2' 1)`)
  expect(error.code).toBe('SOURCE_UNPARSABLE')
  expect(error.place).toMatchObject({ file: 'a.ts', line: 2 })
  expect(error.message).not.toContain('hunter2')
})
