import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { project } from '../support/project.js'
import { bench, buildProject, expectClean, LEFT_OUT, type Bench } from './fixture.js'
import type { HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const { value: VALUE, sources: SOURCES } = LEFT_OUT

/** An alias for the marker, in each bundler's own words. */
const ALIASES: [host: HostName, how: string, more: (alias: object) => object][] = [
  ['esbuild', 'alias', (alias) => ({ alias })],
  ['vite', 'resolve.alias', (alias) => ({ resolve: { alias } })],
  ['webpack', 'resolve.alias', (alias) => ({ resolve: { alias } })],
  [
    'webpack',
    'resolve.alias, a list',
    (alias) => ({
      resolve: {
        alias: Object.entries(alias).map(([name, alias]) => ({ name, alias: alias as string })),
      },
    }),
  ],
  ['rspack', 'resolve.alias', (alias) => ({ resolve: { alias } })],
]

it.each(
  ALIASES.flatMap(([host, how, more]) =>
    ['unplugin-kms/secret', 'unplugin-kms/secret$'].map((name) => [host, how, name, more] as const),
  ),
)('%s: transforms all modules despite the user’s %s for %s', async (...row) => {
  const [host, , name, more] = row
  const root = await project(SOURCES)
  const built = await buildProject(shared, host, root, {
    options: { exclude: /left/, plaintextLiterals: 'allow' },
    more: more({ [name]: join(root, 'src/stub.js') }),
  })
  expect(built.terminal).toContain('[MARK_UNTRANSFORMED]')
  expect(built.files).toEqual([])
  expectClean(built, { plaintexts: [VALUE] })
})

it.each(ALIASES)('%s: keeps the user’s %s next to the plugin’s own', async (host, _, more) => {
  const root = await project({
    'src/main.ts': `import { secret } from 'unplugin-kms/secret'\nimport { text } from '@/text.js'\nconsole.log(text, secret.env('KEY'))\n`,
    'src/text.js': `export const text = 'of the alias'\n`,
  })
  const built = await buildProject(shared, host, root, {
    options: { env: { KEY: VALUE } },
    more: more({ '@': join(root, 'src') }),
  })
  expect(built.failed, built.terminal).toBe(false)
  expect(built.files.some(([, bytes]) => bytes.includes('of the alias'))).toBe(true)
  expectClean(built, { plaintexts: [VALUE] })
})
