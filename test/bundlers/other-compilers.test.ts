import { readFile } from 'node:fs/promises'
import type { Plugin as EsbuildPlugin } from 'esbuild'
import type { Plugin } from 'rollup'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { project } from '../support/project.js'
import { bench, buildProject, expectClean, printed, type Bench } from './fixture.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const LITERAL = 'planted-literal-value-7Q'
const SOURCE = `import { secret } from 'unplugin-kms/secret'
secret('${LITERAL}').then((value) => console.log(JSON.stringify(value)))
`

it('shows a type checker of Rollup neither the literal nor an import that it cannot resolve', async () => {
  const received: string[] = []
  const checker: Plugin = {
    name: 'checker',
    transform(code, id) {
      if (id.endsWith('main.ts')) received.push(code)
    },
  }
  const root = await project({ 'src/main.ts': SOURCE })
  const built = await buildProject(shared, 'rollup', root, {
    maps: 'file',
    after: [checker],
    options: { plaintextLiterals: 'allow' },
  })
  expect(built.failed, built.terminal).toBe(false)
  expectClean(built, { plaintexts: [LITERAL] })
  expect(received).toHaveLength(1)
  expect(received[0]).toMatch(/from ['"]unplugin-kms\/secret['"]/)
  expect(received[0]).not.toContain('unplugin-kms.pair')
  expect(received[0]).not.toContain(LITERAL)
  expect(await printed(shared, built, { plaintexts: [] }, '.mjs')).toBe(LITERAL)
})

/** A plugin of esbuild that loads every module of every namespace, as plugins made by unplugin do. */
const catchAll = (filter: RegExp): EsbuildPlugin => ({
  name: 'catch-all',
  setup: ({ onLoad }) =>
    onLoad({ filter: /.*/ }, async ({ path, suffix }) => {
      if (!filter.test(path + suffix)) return null
      const contents = await readFile(path, 'utf8').catch(() => '')
      return { contents, loader: 'ts' }
    }),
})

it('decrypts secrets next to an earlier plugin of esbuild that loads all sources', async () => {
  const root = await project({
    'src/main.ts': SOURCE.replace(`secret('${LITERAL}')`, "secret.env('KEY')"),
  })
  const built = await buildProject(shared, 'esbuild', root, {
    before: [catchAll(/\.[cm]?[jt]sx?$/)],
    options: { env: { ...process.env, KEY: LITERAL } },
  })
  expect(built.failed, built.terminal).toBe(false)
  expectClean(built, { plaintexts: [LITERAL] })
  expect(await printed(shared, built, { plaintexts: [] }, '.mjs')).toBe(LITERAL)
})

it('fails a build of esbuild in which an earlier plugin loads the modules of the shim', async () => {
  const root = await project({ 'src/main.ts': SOURCE })
  const built = await buildProject(shared, 'esbuild', root, {
    before: [catchAll(/.*/)],
    options: { plaintextLiterals: 'allow' },
  })
  expect(built.failed).toBe(true)
  expect(built.terminal).toContain('MARK_UNTRANSFORMED')
  expectClean(built, { plaintexts: [LITERAL] })
})
