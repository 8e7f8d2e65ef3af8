import * as fc from 'fast-check'
import { chmod, readFile, stat, symlink, lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { encryptSources, findPlaintextLiterals } from '../../src/index.js'
import { collect } from '../../src/pipeline/collect/collect.js'
import { replaceLiterals } from '../../src/secrets/sources.js'
import { project, secretsFile } from '../support/project.js'

const IMPORT = `import { secret } from 'unplugin-kms/secret'\n`
const TOKEN = /kms:v1:[\w-]+/g

beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))

async function encrypted(files: Record<string, string | Uint8Array>) {
  const root = await project({ 'package.json': '{}', ...files })
  await secretsFile(join(root, 'kms-secrets.json'), {})
  const result = await encryptSources([root], { secretsFile: join(root, 'kms-secrets.json') })
  return { root, ...result, read: (name: string) => readFile(join(root, name), 'utf8') }
}

describe('encrypt', () => {
  it.each([
    [
      'quotes of either kind and templates',
      `secret('a'); secret("b"); secret(\`c\`)`,
      `secret('T'); secret("T"); secret(\`T\`)`,
    ],
    ['a sum of literals, in the quotes of the first', `secret("a" + 'b')`, `secret("T")`],
    [
      'comments, spaces and a trailing comma',
      `secret( /* db */ 'a' , )`,
      `secret( /* db */ 'T' , )`,
    ],
    ['parentheses and several lines', `secret(\n  ('a'),\n)`, `secret(\n  ('T'),\n)`],
    [
      'characters beyond the basic plane before it',
      `const é = '🔑'; secret('ключ 🔑')`,
      `const é = '🔑'; secret('T')`,
    ],
  ])('changes only literals: %s', async (_, code, wanted) => {
    const { read } = await encrypted({ 'a.ts': IMPORT + code })
    expect((await read('a.ts')).replace(TOKEN, 'T')).toBe(IMPORT + wanted)
  })

  it('keeps CRLF, a byte order mark, tabs and a missing last line break', async () => {
    const code = `\uFEFF${IMPORT}\tsecret('a')  ;\n// end`.replaceAll('\n', '\r\n')
    const { read } = await encrypted({ 'a.ts': code })
    expect((await read('a.ts')).replace(TOKEN, 'a')).toBe(code)
  })

  it.each(['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'])(
    'changes only literals in .%s',
    async (extension) => {
      const { read } = await encrypted({ [`a.${extension}`]: `${IMPORT}secret('a')` })
      expect(await read(`a.${extension}`)).toMatch(TOKEN)
    },
  )

  it.each(['tsx', 'jsx'])(
    'changes only literals in .%s, in an attribute too',
    async (extension) => {
      const { read } = await encrypted({
        [`a.${extension}`]: `${IMPORT}export const e = <A b={secret('x')}>it's</A>`,
      })
      expect((await read(`a.${extension}`)).replace(TOKEN, 'x')).toBe(
        `${IMPORT}export const e = <A b={secret('x')}>it's</A>`,
      )
    },
  )

  it('keeps tokens, other marks, other files and node_modules', async () => {
    const files = {
      'a.ts': `${IMPORT}secret.env('A'); secret.named('B')`,
      'b.ts': `const secret = (x) => x; secret('no mark')`,
      'node_modules/c/c.js': `${IMPORT}secret('theirs')`,
      'd.md': `${IMPORT}secret('prose')`,
      'e.d.ts': `${IMPORT}declare const x: 'a'`,
    }
    const { changed, read, root } = await encrypted({ ...files, 'f.ts': `${IMPORT}secret('mine')` })
    expect(changed.map(({ path }) => path)).toEqual([join(root, 'f.ts')])
    for (const [name, text] of Object.entries(files)) expect(await read(name)).toBe(text)
    const sealed = await read('f.ts')
    await encryptSources([root], { secretsFile: join(root, 'kms-secrets.json') })
    expect(await read('f.ts')).toBe(sealed)
  })

  it('keeps the mode of a file and a link to it', async () => {
    const root = await project({ 'package.json': '{}', 'real.ts': `${IMPORT}secret('a')` })
    await secretsFile(join(root, 'kms-secrets.json'), {})
    await chmod(join(root, 'real.ts'), 0o754)
    await symlink('real.ts', join(root, 'link.ts'))
    await encryptSources([join(root, 'link.ts')], { secretsFile: join(root, 'kms-secrets.json') })
    expect((await lstat(join(root, 'link.ts'))).isSymbolicLink()).toBe(true)
    expect((await stat(join(root, 'real.ts'))).mode & 0o777).toBe(0o754)
    expect(await readFile(join(root, 'real.ts'), 'utf8')).toMatch(TOKEN)
  })

  it('keeps a mode that the umask would not set for a new file', async () => {
    const root = await project({ 'package.json': '{}', 'a.ts': `${IMPORT}secret('a')` })
    await secretsFile(join(root, 'kms-secrets.json'), {})
    await chmod(join(root, 'a.ts'), 0o666)
    await encryptSources([root], { secretsFile: join(root, 'kms-secrets.json') })
    expect((await stat(join(root, 'a.ts'))).mode & 0o777).toBe(0o666)
  })
})

it('encrypt writes nothing if a module has a syntax error', async () => {
  const root = await project({
    'package.json': '{}',
    'a.ts': `${IMPORT}secret('a')`,
    'b.ts': `${IMPORT}secret('b'`,
  })
  await secretsFile(join(root, 'kms-secrets.json'), {})
  await expect(
    encryptSources([root], { secretsFile: join(root, 'kms-secrets.json') }),
  ).rejects.toThrow('SOURCE_UNPARSABLE')
  expect(await readFile(join(root, 'a.ts'), 'utf8')).toBe(`${IMPORT}secret('a')`)
})

it('encrypt rejects an empty literal and one that UTF-8 cannot represent', async () => {
  for (const [argument, code] of [
    [`''`, 'PLAINTEXT_EMPTY'],
    [`'\\ud800'`, 'PLAINTEXT_LONE_SURROGATE'],
  ] as const) {
    const root = await project({ 'a.ts': `${IMPORT}secret(${argument})` })
    await expect(findPlaintextLiterals([root])).rejects.toThrow(new RegExp(`a\\.ts:2:1: .*${code}`))
  }
})

it('a literal of any value, written back in its quotes, has the same value', () => {
  const quote = fc.constantFrom("'", '"', '`')
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[\\'"`${}\r\n\u2028a]*$/),
  )
  fc.assert(
    fc.property(quote, value, (q, text) => {
      const code = `${IMPORT}secret(${q}token${q})`
      const source = { path: 'a.ts', code, literals: collect(code, 'a.ts')!.marks, commented: [] }
      const written = replaceLiterals(source, [{ mark: source.literals[0]!, value: text }])
      expect(collect(written, 'a.ts')!.marks[0]!.argument).toBe(text)
      expect(written.startsWith(`${IMPORT}secret(${q}`)).toBe(true)
    }),
  )
})

describe('a literal in a mark that is commented out', () => {
  it('is found by --check, and sealed where it stands', async () => {
    const code = `${IMPORT}/**\n * secret('old')\n */\nsecret('new') // secret("older")\n`
    const root = await project({ 'a.ts': code })
    const [found] = await findPlaintextLiterals([root])
    expect(found!.places.map(({ line, column }) => `${line}:${column}`)).toEqual([
      '3:4',
      '5:1',
      '5:18',
    ])
    const { read } = await encrypted({ 'a.ts': code })
    expect((await read('a.ts')).replace(TOKEN, 'T')).toBe(
      `${IMPORT}/**\n * secret('T')\n */\nsecret('T') // secret("T")\n`,
    )
  })

  it('is rejected with its place if it is not one string', async () => {
    await expect(
      encrypted({ 'a.ts': `${IMPORT}// secret('a' + b)\n// secret('a' + 'b')` }),
    ).rejects.toMatchObject({ code: 'ARGUMENT_NOT_STATIC', place: { line: 2 } })
  })
})
