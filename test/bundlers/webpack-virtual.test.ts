import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Compiler } from 'webpack'
import { project } from '../support/project.js'
import { bench, buildProject, expectClean, LEFT_OUT, type Bench } from './fixture.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const { value: VALUE, sources: SOURCES } = LEFT_OUT

/** Options of webpack's for some modules or imports only, or for what they may resolve to. */
const RESOLUTIONS: [how: string, more: (stub: string) => object][] = [
  [
    'a rule’s alias',
    (stub) => ({
      module: {
        rules: [{ test: /\.js$/, resolve: { alias: { 'unplugin-kms/secret$': stub } } }],
      },
    }),
  ],
  [
    'a rule’s aliases, a list',
    (stub) => ({
      module: { rules: [{ test: /\.js$/, resolve: { alias: [{ name: '@', alias: stub }] } }] },
    }),
  ],
  [
    'aliases of one kind of import, a list',
    (stub) => ({ resolve: { byDependency: { esm: { alias: [{ name: '@', alias: stub }] } } } }),
  ],
  ['restrictions', (stub) => ({ resolve: { restrictions: [join(stub, '..')] } })],
]

it.each(RESOLUTIONS)('webpack: resolves the plugin’s own modules with %s', async (_, more) => {
  const root = await project({
    ...SOURCES,
    'src/left.js': `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')\n`,
  })
  const built = await buildProject(shared, 'webpack', root, {
    options: { env: { KEY: VALUE } },
    more: more(join(root, 'src/stub.js')),
  })
  expect(built.failed, built.terminal).toBe(false)
  expect(built.terminal).not.toContain('WARNING')
  expectClean(built, { plaintexts: [VALUE] })
})

it.each(RESOLUTIONS)('webpack: transforms all modules with %s', async (_, more) => {
  const root = await project(SOURCES)
  const built = await buildProject(shared, 'webpack', root, {
    options: { exclude: /left/, plaintextLiterals: 'allow' },
    more: more(join(root, 'src/stub.js')),
  })
  expect(built.terminal).toMatch(/left\.js:2:\d+: .*\[MARK_UNTRANSFORMED\]/)
  expect(built.files).toEqual([])
})

it('rspack: fails the build if restrictions hide the marker', async () => {
  const root = await project(SOURCES)
  const built = await buildProject(shared, 'rspack', root, {
    options: { exclude: /left/, plaintextLiterals: 'allow' },
    more: { resolve: { restrictions: [join(root, 'src')] } },
  })
  expect(built.terminal).toContain('[MARK_UNTRANSFORMED]')
  expect(built.files).toEqual([])
})

it.each(['webpack', 'rspack'] as const)(
  '%s: does not apply the user’s rules to the plugin’s own modules',
  async (host) => {
    const root = await project({
      'src/main.ts': `import { secret } from 'unplugin-kms/secret'\nconsole.log(secret.env('KEY'))\n`,
    })
    const built = await buildProject(shared, host, root, {
      options: { env: { KEY: VALUE } },
      more: {
        module: {
          rules: [
            { test: /\.cjs$/, type: 'javascript/dynamic' },
            { resourceQuery: /./, type: 'asset/source' },
          ],
        },
      },
    })
    expect(built.failed, built.terminal).toBe(false)
    expect(built.terminal).not.toContain('WARNING')
    expectClean(built, { plaintexts: [VALUE] })
  },
)

it.each(['webpack', 'rspack'] as const)(
  '%s: fails the build for a mark in an eval',
  async (host) => {
    const root = await project({
      ...SOURCES,
      // Of TypeScript the import would be left out.
      'src/left.js': `import { secret } from 'unplugin-kms/secret'\nexport const key = eval("secret('${VALUE}')")\n`,
    })
    const built = await buildProject(shared, host, root, { options: { exclude: /left/ } })
    expect(built.terminal).toContain('[MARK_UNTRANSFORMED]')
    expect(built.files).toEqual([])
  },
)

/** Bundles another module once all of the build is sealed. */
const late = {
  apply: ({ hooks, context, webpack }: Compiler) =>
    hooks.thisCompilation.tap('late', (compilation) =>
      compilation.hooks.processAssets.tapPromise('late', () => {
        const child = compilation.createChildCompiler('late', { filename: 'late.mjs' }, [
          new webpack.EntryPlugin(context, './left.js'),
        ])
        return new Promise<void>((done) => child.runAsChild(() => done()))
      }),
    ),
}

it.each(['webpack', 'rspack'] as const)(
  '%s: fails the build for a mark of a child compiler, however late it runs',
  async (host) => {
    const root = await project({ ...SOURCES, 'src/main.ts': 'console.log(1)\n' })
    const built = await buildProject(shared, host, root, {
      options: { exclude: /left/, plaintextLiterals: 'allow' },
      after: [late],
    })
    expect(built.terminal).toContain('[MARK_UNTRANSFORMED]')
    expect(built.files).toEqual([])
  },
)
