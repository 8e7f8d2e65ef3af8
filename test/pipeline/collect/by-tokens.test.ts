import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collectBySyntax } from '../../../src/pipeline/collect/by-syntax.js'
import { collectByTokens } from '../../../src/pipeline/collect/by-tokens.js'
import { runsOf } from '../../support/combinations.js'

const IMPORT = `import { secret } from 'unplugin-kms/secret'\n`

function bySyntax(code: string, file: string) {
  const { bodyStart: _, ...collected } = collectBySyntax(code, file)!
  return collected
}

describe('marks that tokens find, as the parser does', () => {
  it.each([
    `const a = secret('a')`,
    `const a = secret.env("A"); use(secret.file('./a', 'bytes'), secret.named(\`A\`))`,
    `class A { #k = secret('a'); static { secret('b') } async m(x = secret('c')) { await secret('d') } }`,
    `const a = /['"\`]/.test(secret('a')) // it's`,
    'const a = `it\'s ${`${secret("a")}`} "`; secret("b")',
    `/* it's */ f<Map<string, number>>(secret('a') as string, secret('b') satisfies string)`,
    `secret('a').then(f); secret('b')?.(); secret('c')[0]; f(secret('d')); g((secret('e')))`,
    `config.secret('no'); config?.secret('no'); secret('yes')`,
    `secret('a')\n[0]\nsecret('b')\n(c)`,
    `const more = a < b || c > d / 2; // the secret is kept`,
  ])('%s', (code) => {
    const read = collectByTokens(IMPORT + code, 'a.ts')
    expect(read).toEqual(bySyntax(IMPORT + code, 'a.ts'))
  })

  it.each([
    `import { secret as s } from "unplugin-kms/secret";\nexport const a = s('a')`,
    `#!/usr/bin/env node\n'use strict'\n\nimport {secret,} from 'unplugin-kms/secret'\nsecret('a')`,
    `import { a } from './a.js'; import { secret } from 'unplugin-kms/secret'\r\n\r\n  secret('a')`,
  ])('whose import is also ambiguous: %s', (code) => {
    expect(collectByTokens(code, 'a.ts')).toEqual(bySyntax(code, 'a.ts'))
  })
})

describe('marks that only the parser finds', () => {
  it.each([
    ['a parameter of that name', `const f = (secret) => secret('no'); secret('yes')`],
    ['a key or a member of that name', `const a = { secret: 1 }; secret('a')`],
    ['a shorthand', `const a = { secret }; secret('a')`],
    ['the marker as a value', `use(secret); secret('a')`],
    ['a mark with new', `new secret('a')`],
    ['a decorator', `@secret('a') class A {}`],
    ['a mark that a text or comment mentions', `/* secret('no') */ secret('a')`],
    ['an escape in a literal', String.raw`secret('\x61')`],
    ['an escape in a name', String.raw`s\u0065cret('a')`],
    ['a sum', `secret('a' + 'b')`],
    ['an expression in a literal', 'secret(`${a}`)'],
    ['a line break of Windows in a literal', 'secret(`a\r\nb`)'],
    ['an object', `secret.ssm('a', { as: 'json' })`],
    ['no such mark', `secret.nothing('a')`],
    ['a type argument', `secret.file<string>('a')`],
    ['a mark that may be undefined', `secret?.('a')`],
    ['a mark said to be defined', `secret('a')!.length`],
    ['a use of what stands between parentheses', `(secret('a')).then(f)`],
    ['JSX', `const a = <p>it's {secret('a')}</p>`],
    ['a slash after a parenthesis', `if (a) /'/.test(b); secret('a')`],
    ['a slash after a parenthesis, and no mark', `secret('a'); if (a) /'/.test(b); f(secret, c)`],
    [
      'a slash after a type argument',
      `const a = b as Ratio<number> / 2, key = secret /* x */ ('a')`,
    ],
    ['a slash after of', `for (const a of /'/g) secret('a')`],
    ['a slash after a const assertion', `const a = b as const / 2, key = secret('a')`],
    ['a string without an end', `'b\nsecret('a')`],
    [
      'another import of the marker',
      `import type { Secret } from 'unplugin-kms/secret'; secret('a')`,
    ],
  ])('%s', (_, code) => {
    expect(collectByTokens(IMPORT + code, 'a.tsx')).toBeNull()
  })

  it.each([
    `import * as secret from 'unplugin-kms/secret'\nsecret('a')`,
    `import { secret, type Secret } from 'unplugin-kms/secret'\nsecret('a')`,
    `import { secret } from 'unplugin-kms/secret' with { type: 'x' }\nsecret('a')`,
    `import { secret } from 'unplugin-kms/secret'\nwith ({ a: 1 })\nsecret('a')`,
    `import { secret } from 'unplugin-kms/secret/sync'\nsecret('a')`,
    `declare module 'a' {\nimport { secret } from 'unplugin-kms/secret'\n}\nsecret('a')`,
  ])('with another kind of import: %s', (code) => {
    expect(collectByTokens(code, 'a.ts')).toBeNull()
  })
})

/** What may lead a reader of tokens astray: quotes, slashes and braces where they open nothing. */
const PIECES = [
  `secret('<>')`,
  `secret.env("<>")`,
  `secret('<>').then(f)`,
  `/'/.test(_)`,
  '/[/`]/g',
  '(a) / _ / "x"',
  'a++ / _',
  '`it\'s ${_} "}`',
  '`${`${_}`}`',
  `"it's // "`,
  `'/* '`,
  `'secret'`,
  '{ "/": _ }',
  '(() => { return /"/ })',
  '(() => {} )/ 2',
  'function () { }\n/ _ /g',
  "_ // it's `\n",
  '/* " */ _',
  '(x < _ || y > /\\//)',
  'a! / _ / "b"',
  '<T>/x/',
  'typeof /`/',
  'config.secret(_)',
  '((secret) => _)',
  'x as Ratio<number> / 2, y = secret /* prod */ ("<>")',
  '(y as const / 2, _)',
  'w as void / 3',
  '_ as Map<string, Array<number>> / 1 / "',
  'f<string>(_)',
  '(<T,>(x: T) => _)',
  'for (const z of /[\'"]/g) { _ }',
  'a.of / 2 / _',
  'x satisfies A<B> /* " */ / 2 /* " */',
  '<any>/"/',
  'f(_)(_)',
]

/** JSX, whose text is not tokens: quotes, comments and slashes in it mean nothing. */
const JSX_PIECES = [
  '<A />',
  "<A b={_}>it's</A>",
  '<A b="{secret(\'x\')}" c={<B>{_}</B>} />',
  '<>{_}// no comment {_}</>',
  '<A>/* {_} */</A>',
  '<A.B>`{_}${_}</A.B>',
  '<A<Map<string, number>> b={_}>&lt;/A&gt;</A>',
  "<A>{/* secret('x') */}</A>",
  '<A b={/"/}>{_ / 2}</A>',
  '<A {...secret("<>")}>"</A >',
  '< A b = {_} / >',
  '(<T,>(x: T) => <A>{_}</A>)',
  '<a-b c:d="/">{`${_}`}</a-b>',
  'x < _ && _ > y',
]

const LANGUAGES: [language: string, file: string, pieces: string[]][] = [
  ['TypeScript', 'a.ts', PIECES],
  ['TypeScript with JSX', 'a.tsx', [...JSX_PIECES, ...JSX_PIECES, ...PIECES]],
  ['JavaScript with JSX', 'a.jsx', [...JSX_PIECES, ...PIECES]],
]

it.each(LANGUAGES)('tokens show nothing that the syntax of %s does not', (_, file, pieces) => {
  const piece = fc.letrec<{ it: string }>((tie) => ({
    it: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(...pieces.filter((text) => !text.includes('_'))),
      fc
        .tuple(fc.constantFrom(...pieces), tie('it'), tie('it'))
        .map(([text, ...inner]) => text.replace(/_/g, () => inner.pop()!)),
    ),
  })).it
  let compared = 0
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (all) => {
      let names = 0
      const code = IMPORT + all.join('\n;').replace(/<>(?=["'])/g, () => `n${names++}`)
      let syntax
      try {
        syntax = bySyntax(code, file)
      } catch {
        // It does not parse, or has marks that only the syntax rejects.
        return
      }
      const read = collectByTokens(code, file)
      if (!read) return
      compared++
      expect(read).toEqual(syntax)
    }),
    { numRuns: runsOf(3000) },
  )
  expect(compared).toBeGreaterThan(runsOf(file === 'a.ts' ? 100 : 20))
})

it.each(JSX_PIECES.filter((text) => /<.*\/.*>/.test(text)))(
  'tokens do not read a module with the element %s',
  (element) => {
    const code = `${IMPORT}export const a = secret('x')\nexport const b = ${element.replaceAll('_', 'a')}`
    expect(collectByTokens(code, 'a.tsx')).toBeNull()
  },
)
