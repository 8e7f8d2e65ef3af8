import { brotliCompressSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkOutputs } from '../../../src/pipeline/leak-check/leak-check.js'

const SECRET = 'planted+/value?>~~'
const options = { minLength: 8, except: [] as string[] }
const seen = (plaintext: string, more: object = {}) => [
  { name: 'SECRET', plaintext: Buffer.from(plaintext), ...more },
]

/** Returns the error code of the leak check; `null` if it passes. */
async function verdict(
  content: string | Uint8Array,
  { secret = SECRET, name = 'out.js', json = false, except = [] as string[] } = {},
) {
  try {
    await checkOutputs([{ name, content }], seen(secret, { json }), { ...options, except })
    return null
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    expect(message).not.toContain(secret)
    return code
  }
}

const dataUrl = (text: string) =>
  `//# ${'sourceMapping'}URL=data:application/json;charset=utf-8;base64,${Buffer.from(text).toString('base64')}`

describe('leak check', () => {
  it.each<[string, string | Uint8Array]>([
    ['in base64 of the standard alphabet', `f("${Buffer.from(SECRET).toString('base64')}")`],
    ['in a sum in parentheses', `f("planted" + ("+/value" + ("?>~~")))`],
    ['in a sum with comments between', `f("planted" /* a */ + // b\n /* c */ ("+/value?>~~"))`],
    ['in a template around a string and a comment', 'f(`planted${/* a */ "+/value"/* b */}?>~~`)'],
    ['percent-encoded in small letters', 'f("planted%2b%2fvalue%3f%3e~~")'],
    ['in a template around a string', 'f(`planted${"+/value"}?>~~`)'],
    ['in a data URL', dataUrl(JSON.stringify({ sourcesContent: [`f("${SECRET}")`] }))],
    [
      'in a data URL inside an eval',
      `eval(${JSON.stringify(dataUrl(JSON.stringify({ sourcesContent: [`f("\\u0070lanted+/value?>~~")`] })))})`,
    ],
    [
      'in a data URL that is percent-encoded',
      `url("data:text/plain,${encodeURIComponent(SECRET)}")`,
    ],
    ['next to a NUL', `f("\0") + f("\\u0070lanted+/value?>~~")`],
    ['in a gzipped copy', gzipSync(`f("${SECRET}")`)],
  ])('%s', async (_, content) => expect(await verdict(content)).toBe('LEAK'))

  it('reports a plaintext in a Brotli copy, by its extension', async () => {
    expect(await verdict(brotliCompressSync(`f("${SECRET}")`), { name: 'out.js.br' })).toBe('LEAK')
  })

  it('reports a plaintext that is escaped in CSS, by its extension', async () => {
    const name = 'out.css'
    expect(await verdict(`a { content: "\\70 lanted+/value?>~~" }`, { name })).toBe('LEAK')
    expect(
      await verdict(`a { content: "\\00006c\\e4 nger" }`, { name, secret: 'länger' }),
    ).toBeNull()
    expect(
      await verdict(`a { content: "\\00006c\\e4 ngeres" }`, { name, secret: 'längeres' }),
    ).toBe('LEAK')
  })

  it('does not show the name of a secret that contains its value', async () => {
    const named = [{ name: `src/${SECRET}.ts:2`, plaintext: Buffer.from(SECRET) }]
    const failure = await checkOutputs([{ name: 'out.js', content: SECRET }], named, options).catch(
      (error: Error) => error.message,
    )
    expect(failure).toContain('••• (as it is) in out.js')
    expect(failure).not.toContain(SECRET)
  })

  it('reports a plaintext in the name of a file', async () => {
    expect(await verdict('', { name: 'planted+/value?>~~.js' })).toBe('LEAK')
  })

  it('reports a string of a JSON secret, whatever its layout', async () => {
    expect(
      await verdict(`f({password:"${SECRET}"})`, {
        secret: `{ "list": [{ "password" : "${SECRET}" }] }`,
        json: true,
      }),
    ).toBe('LEAK')
  })

  it('reports a plaintext of any characters in any string that JSON can represent', async () => {
    const text = fc.string({ unit: 'binary', minLength: 8 })
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.string(),
        async (secret, before) =>
          (await verdict(JSON.stringify(before + secret), { secret })) === 'LEAK',
      ),
    )
  })

  it('does not report a plaintext that is excepted by name', async () => {
    expect(await verdict(`f("${SECRET}")`, { except: ['SECRET'] })).toBeNull()
  })
})

describe('leak check of untransformed marks', () => {
  it.each([
    [
      'the import of the marker',
      `import{secret as a}from"unplugin-kms/secret";a("x")`,
      'MARK_UNTRANSFORMED',
    ],
    [
      'a require of it under another name',
      `const a = __require("unplugin-kms/secret/sync")`,
      'MARK_UNTRANSFORMED',
    ],
    ...['secret.js', 'secret/sync.js', 'dist/secret/secret.js', 'secret.cjs'].map((path) => [
      `the marker as unplugin-kms/${path}`,
      `import { secret } from "unplugin-kms/${path}"; secret("x")`,
      'MARK_UNTRANSFORMED',
    ]),
    [
      'a mark imported from the package itself',
      `import { secret as a } from "unplugin-kms"; a("x")`,
      'MARK_UNTRANSFORMED',
    ],
    [
      'the marker module',
      `throw Error("unplugin-kms: this mark was never transformed")`,
      'MARK_UNTRANSFORMED',
    ],
    [
      'the source of a marked module as a text',
      `export default "import { secret } from 'unplugin-kms/secret'\\nexport const key: string = secret('x')"`,
      'MARK_UNTRANSFORMED',
    ],
    ...[0, 1, 2].map((before) => [
      `the source of a marked module in base64, after ${before} bytes`,
      `export default "${Buffer.from(`${' '.repeat(before)}import { secret } from 'unplugin-kms/secret'\nexport const key: string = secret('x')`).toString('base64')}"`,
      'MARK_UNTRANSFORMED',
    ]),
    [
      'an import of the shim',
      `import{open}from"./unplugin-kms.pair.0123456789abcdef"`,
      'SHIM_EXTERNAL',
    ],
    [
      'a call of whatever with the marker’s name',
      `load("unplugin-kms/secret")`,
      'MARK_UNTRANSFORMED',
    ],
    ['the marker’s name in a variable', `const a = 'unplugin-kms/secret'`, 'MARK_UNTRANSFORMED'],
    ['the marker’s name in a sum', `import("unplugin-kms" + "/secret")`, 'MARK_UNTRANSFORMED'],
    [
      'a call of whatever, inside an eval',
      `eval("load(\\"unplugin-kms/secret\\")")`,
      'MARK_UNTRANSFORMED',
    ],
    ['a require of the shim', `require("./unplugin-kms.shim")`, 'SHIM_EXTERNAL'],
  ])('reports %s', async (_, content, code) => expect(await verdict(content)).toBe(code))

  it('ignores a comment that mentions a mark', async () => {
    expect(await verdict(`// import { secret } from 'unplugin-kms/secret'\nf()`)).toBeNull()
    expect(await verdict(`f("// import { secret } from 'unplugin-kms/secret'\\nf()")`)).toBeNull()
  })

  it('ignores a string that mentions a mark and is not code', async () => {
    expect(await verdict(`export default { external: ["unplugin-kms/secret"] }`)).toBeNull()
    expect(
      await verdict(`import { scanFolder } from 'unplugin-kms'\nscanFolder('dist')`),
    ).toBeNull()
    expect(await verdict(`import kms from 'unplugin-kms/vite'\nkms()`)).toBeNull()
    expect(await verdict(`f('read about "unplugin-kms/secret" here')`)).toBeNull()
    expect(await verdict(`{"uses": ["unplugin-kms/secret"]}`, { name: 'deps.json' })).toBeNull()
  })

  it('ignores a source map, whatever its file name', async () => {
    const content = JSON.stringify({
      version: 3,
      sourcesContent: [`import { secret } from 'unplugin-kms/secret'\nsecret('•••')`],
      mappings: '',
    })
    for (const name of ['out.js.map', 'out.js.map?1a2b', 'maps/out.json'])
      expect(await verdict(content, { name }), name).toBeNull()
    expect(await verdict(`${content};load("unplugin-kms/secret")`)).toBe('MARK_UNTRANSFORMED')
  })

  it('ignores an inline map, whose sources are redacted', async () => {
    const map = { sourcesContent: [`import { secret } from 'unplugin-kms/secret'\nsecret('•••')`] }
    expect(await verdict(`f()\n${dataUrl(JSON.stringify(map))}`)).toBeNull()
  })
})
