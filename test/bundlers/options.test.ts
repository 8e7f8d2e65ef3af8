import { rspack } from '@rspack/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import webpack from 'webpack'
import { project } from '../support/project.js'
import { bench, buildProject, expectClean, type Bench } from './fixture.js'
import { ABSENT, type Cell, type HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const VALUE = 'planted-variable-value-8R'
const TEXT = JSON.stringify(VALUE)
const SOURCE = `import { secret } from 'unplugin-kms/secret'
export const key = secret.env('KEY')
export const twin = [__KEY__, process.env.KEY]
`

type Way = [host: HostName, what: string, cell: Partial<Cell>]

const js = `/* ${VALUE} */`
const ofWebpack = (
  host: 'webpack' | 'rspack',
  { DefinePlugin, EnvironmentPlugin, BannerPlugin }: typeof webpack,
): Way[] => [
  [host, 'DefinePlugin', { after: [new DefinePlugin({ __KEY__: TEXT })] }],
  [host, 'EnvironmentPlugin', { after: [new EnvironmentPlugin({ KEY: VALUE })] }],
  [host, 'BannerPlugin', { after: [new BannerPlugin({ banner: VALUE })] }],
  [host, 'the address of a map', { maps: 'file', after: [atAddress] }],
]
const atAddress = {
  apply: ({ options }: webpack.Compiler) =>
    void (options.output.devtoolModuleFilenameTemplate = `${VALUE}/[resource-path]`),
}

const WAYS: Way[] = [
  ...(['banner', 'footer'] as const).flatMap((place): Way[] => [
    ['esbuild', place, { more: { [place]: { js } } }],
    ['bun', place, { more: { [place]: js } }],
  ]),
  ['esbuild', 'define', { more: { define: { __KEY__: TEXT } } }],
  ['esbuild', 'entryNames', { more: { entryNames: `${VALUE}/[name]` } }],
  ['esbuild', 'sourceRoot', { maps: 'file', more: { sourceRoot: VALUE } }],
  ...(['rollup', 'rolldown'] as const).flatMap((host): Way[] => [
    ...['banner', 'footer', 'intro', 'outro'].map((place): Way => [
      host,
      place,
      { more: { [place]: js } },
    ]),
    [host, 'entryFileNames', { more: { entryFileNames: `${VALUE}/[name].mjs` } }],
    [
      host,
      'sourcemapBaseUrl',
      { maps: 'file', more: { sourcemapBaseUrl: `https://maps.example/${VALUE}` } },
    ],
    [
      host,
      'sourcemapPathTransform',
      { maps: 'file', more: { sourcemapPathTransform: () => VALUE } },
    ],
  ]),
  ['rolldown', 'postBanner', { more: { postBanner: js } }],
  ['vite', 'define', { more: { define: { __KEY__: TEXT } } }],
  ['vite', 'a banner', { more: { build: { rolldownOptions: { output: { banner: js } } } } }],
  ...ofWebpack('webpack', webpack),
  ...ofWebpack('rspack', rspack as unknown as typeof webpack),
  ['farm', 'define', { more: { define: { __KEY__: TEXT } } }],
  ['bun', 'define', { more: { define: { __KEY__: TEXT } } }],
  ['bun', 'env', { more: { env: 'inline' } }],
]

describe('a plaintext in an option of the bundler fails the build, and no file is written:', () => {
  for (const [host, what, cell] of WAYS) {
    it.skipIf(ABSENT[host])(`${host}: ${what}`, async () => {
      const root = await project({ 'src/main.ts': SOURCE })
      const built = await buildProject(shared, host, root, {
        options: { env: { KEY: VALUE } },
        ...cell,
      })
      expect(built.failed, 'the build failed').toBe(true)
      expect(built.terminal).toContain('[LEAK]')
      expect(built.files).toEqual([])
      expectClean(built, { plaintexts: [VALUE] })
    })
  }
})
