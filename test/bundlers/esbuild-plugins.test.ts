import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build, context, type BuildOptions, type BuildResult, type Plugin } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import kms from '../../src/bundlers/esbuild.js'
import type { Manifest } from '../../src/embedded/manifest-format.js'
import type { Options } from '../../src/options/types.js'
import { project } from '../support/project.js'
import { bench, printed, writeNamed, type Bench } from './fixture.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const VALUE = 'value of a variable'
const MARKED = `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')\n`

async function prepare(files: Record<string, string> = {}) {
  const root = await project({ 'main.ts': MARKED, ...files })
  await writeNamed(join(root, 'kms-secrets.json'), shared.pair, {})
  const ours = (options: Options = {}) =>
    kms({
      secretsFile: join(root, 'kms-secrets.json'),
      env: { KEY: VALUE },
      aws: shared.aws,
      ...options,
    })
  const options = (plugins: Plugin[], more: BuildOptions = {}): BuildOptions => ({
    entryPoints: ['main.ts'],
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    outdir: 'out',
    outExtension: { '.js': '.mjs' },
    logLevel: 'silent',
    plugins,
    ...more,
  })
  return { root, ours, options }
}

/** What a plugin sees that records everything it is given. */
interface Sight {
  options: unknown
  atStart: unknown
  result: string[]
  atEnd: unknown
  isWritten: boolean
}

const visible = (options: BuildOptions) => ({ ...options, plugins: undefined })

function recorder(root: string, change: (options: BuildOptions) => void) {
  const sight: Partial<Sight> = {}
  const plugin: Plugin = {
    name: 'recorder',
    async setup(host) {
      sight.options = visible(host.initialOptions)
      // A setup may wait, and go on afterwards.
      await new Promise((done) => setTimeout(done, 1))
      change(host.initialOptions)
      host.onStart(() => void (sight.atStart = visible(host.initialOptions)))
      host.onEnd((result) => {
        sight.result = Object.keys(result).filter((name) => result[name as keyof BuildResult])
        sight.atEnd = visible(host.initialOptions)
        sight.isWritten = existsSync(join(root, 'out/main.mjs'))
      })
    },
  }
  return { sight, plugin }
}

describe('next to another plugin of esbuild, ours', () => {
  const STUB = `export const secret = { env: () => 'stub' }\n`

  const CHANGES: [string, (options: BuildOptions) => void][] = [
    ['it changes nothing', () => {}],
    ['it asks for a metafile', (options) => void (options.metafile = true)],
    ['it asks for no metafile', (options) => void (options.metafile = false)],
    ['it asks that nothing is written', (options) => void (options.write = false)],
    ['it asks that files are written', (options) => void (options.write = true)],
    [
      'it asks for both',
      (options) => void Object.assign(options, { write: false, metafile: true }),
    ],
  ]
  const CASES = (['first', 'last'] as const).flatMap((place) =>
    CHANGES.map(([title, change]) => ({ title, place, change })),
  )

  it.each(CASES)('as the $place shows it what it sees without us: $title', async (row) => {
    const { place, change } = row
    const { root, ours, options } = await prepare()
    const withUs = recorder(root, change)
    const plugins = [ours(), withUs.plugin]
    const result = await build(options(place === 'first' ? plugins : plugins.reverse()))
    const other = await project({ 'main.ts': MARKED, 'stub.js': STUB })
    const without = recorder(other, change)
    const alias = { 'unplugin-kms/secret': join(other, 'stub.js') }
    const expected = await build(options([without.plugin], { absWorkingDir: other, alias }))
    const comparable = (sight: Partial<Sight>, folder: string) =>
      JSON.stringify(sight, (key, value: unknown) =>
        key === 'alias' ? undefined : value === folder ? '' : value,
      )
    expect(comparable(withUs.sight, root)).toBe(comparable(without.sight, other))
    expect(Object.keys(result).filter((name) => result[name as keyof BuildResult])).toEqual(
      Object.keys(expected).filter((name) => expected[name as keyof BuildResult]),
    )
  })

  it('does not change the options and the other plugins', async () => {
    const { root, ours, options } = await prepare()
    const { plugin } = recorder(root, () => {})
    const { setup } = plugin
    const given = options([ours(), plugin])
    for (const _ of [1, 2]) {
      const { outputFiles } = await build(given)
      expect(outputFiles).toBeUndefined()
    }
    expect(given).toEqual(options(given.plugins!))
    expect(plugin.setup).toBe(setup)
  })

  it('writes the files of two concurrent builds with the same options', async () => {
    const { root, ours, options } = await prepare()
    const { plugin } = recorder(root, () => {})
    const given = options([ours(), plugin])
    const results = await Promise.all([build(given), build(given)])
    expect(results.map(({ outputFiles }) => outputFiles)).toEqual([undefined, undefined])
    expect(existsSync(join(root, 'out/main.mjs'))).toBe(true)
  })

  it.each<[string, string, (options: BuildOptions) => void]>([
    ['sets the option', 'LEAK', (options) => void (options.write = true)],
    ['deletes the option', 'OUTPUT_UNSAFE', (options) => void delete options.write],
  ])(
    'writes nothing before the leak check although a frozen plugin %s',
    async (_, code, change) => {
      const { root, ours, options } = await prepare({
        'main.ts': `${MARKED}console.log('${VALUE}')`,
      })
      const frozen: Plugin = Object.freeze({
        name: 'frozen',
        setup: ({ initialOptions }) => change(initialOptions),
      } satisfies Plugin)
      await expect(build(options([ours(), frozen]))).rejects.toThrow(`[${code}]`)
      expect(existsSync(join(root, 'out/main.mjs'))).toBe(false)
    },
  )

  it('names the file to which another plugin adds the import of the marker', async () => {
    const { ours, options } = await prepare({ 'main.ts': `export const key = secret.env('KEY')` })
    const adds: Plugin = {
      name: 'auto-import',
      setup: ({ onLoad }) =>
        onLoad({ filter: /main\.ts$/ }, () => ({ contents: MARKED, loader: 'ts' })),
    }
    await expect(build(options([ours(), adds]))).rejects.toThrow(
      /main\.ts: another plugin adds the import .*\[MARK_UNTRANSFORMED\]/,
    )
  })

  it('leaves a module to the plugin that resolved it', async () => {
    const { root, ours, options } = await prepare({
      'entry.ts': `export * from './main.ts?proxy'`,
    })
    const proxy: Plugin = {
      name: 'proxy',
      setup(host) {
        host.onResolve({ filter: /\?proxy$/ }, () => ({
          path: join(root, 'main.ts'),
          suffix: '?proxy',
          pluginData: { isProxy: true },
        }))
        host.onLoad({ filter: /main\.ts$/ }, ({ pluginData }) =>
          pluginData
            ? { contents: `globalThis.proxied = true; export * from './main.ts'`, resolveDir: root }
            : null,
        )
      },
    }
    await build(options([ours(), proxy], { entryPoints: ['entry.ts'] }))
    const text = await readFile(join(root, 'out/entry.mjs'), 'utf8')
    expect(text).toContain('globalThis.proxied')
    expect(text).toContain('kms:v1:')
  })
})

describe('several instances and several builds', () => {
  const TWO = {
    'main.ts': `import { one } from './one.js'\nimport { two } from './two.js'\nPromise.all([one, two]).then((all) => console.log(JSON.stringify(all)))\n`,
    'one.ts': MARKED.replace('key', 'one'),
    'two.ts': MARKED.replace('key', 'two'),
  }

  it('seals each module by the instance that includes it', async () => {
    const { root, ours, options } = await prepare(TWO)
    const own = (name: string): Options => ({
      include: new RegExp(name),
      secretsFile: undefined as never,
      keyId: shared.arn,
      encryptionContext: { name },
      env: { KEY: `value of ${name}` },
    })
    await build(options([ours(own('one')), ours(own('two'))]))
    expect(
      await printed(shared, { outdir: join(root, 'out') } as never, { plaintexts: [] }, '.mjs'),
    ).toEqual(['value of one', 'value of two'])
  })

  it('checks the outputs for the plaintexts of every instance before any is written', async () => {
    const { root, ours, options } = await prepare({
      ...TWO,
      'main.ts': `${TWO['main.ts']}console.log('value of two')`,
    })
    const own = (name: string): Options => ({
      include: new RegExp(name),
      env: { KEY: `value of ${name}` },
    })
    await expect(build(options([ours(own('one')), ours(own('two'))]))).rejects.toThrow('[LEAK]')
    expect(existsSync(join(root, 'out/main.mjs'))).toBe(false)
  })

  it('lists the outputs of all builds of one instance in its manifest', async () => {
    const { root, ours, options } = await prepare()
    const manifest = join(root, 'manifest.json')
    const plugin = ours({ manifest })
    const chunks = async () => {
      const { secrets } = JSON.parse(await readFile(manifest, 'utf8')) as Manifest
      return secrets.flatMap(({ chunks }) => chunks)
    }
    for (const outdir of ['out/a', 'out/b']) await build(options([plugin], { outdir }))
    expect(await chunks()).toEqual(['a/main.mjs', 'b/main.mjs'])
    const again = await context(options([plugin], { outdir: 'out/c' }))
    for (const _ of [1, 2]) await again.rebuild()
    await again.dispose()
    expect(await chunks()).toEqual(['a/main.mjs', 'b/main.mjs', 'c/main.mjs'])
  })
})
