import { join } from 'node:path'
import { inspect } from 'node:util'
import type { Plugin as EsbuildPlugin } from 'esbuild'
import type { Plugin as RollupPlugin } from 'rollup'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Compiler } from 'webpack'
import { detect } from '../detector/detect.js'
import { project } from '../support/project.js'
import { bench, buildProject, type Bench } from './fixture.js'
import type { HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const VALUES = { literal: 'planted-literal-value-7Q', variable: 'planted-variable-value-8R' }
const SOURCE = `import { secret } from 'unplugin-kms/secret'
export const key = secret('${VALUES.literal}'); export const env = secret.env('KEY')
`

type Tell = (told: unknown) => void

/** A plugin after ours, in the bundler's own language, that passes on all it is given. */
const TELLERS: Partial<Record<HostName, (tell: Tell) => unknown>> = {
  esbuild: (tell): EsbuildPlugin => ({
    name: 'teller',
    setup: (host) => host.onEnd((result) => tell([result.metafile, result.warnings])),
  }),
  rollup: (tell) => ofRollup(tell),
  rolldown: (tell) => ofRollup(tell),
  vite: (tell) => ({
    ...ofRollup(tell),
    config: () => ({ build: { manifest: true, ssrManifest: true } }),
  }),
  webpack: (tell) => ofWebpack(tell),
  rspack: (tell) => ofWebpack(tell),
}

const ofRollup = (tell: Tell): RollupPlugin => ({
  name: 'teller',
  transform(code, id) {
    tell([code, id, this.getCombinedSourcemap()])
  },
  moduleParsed: ({ id, code }) => tell([id, code]),
  renderChunk: (code, chunk) => tell([code, chunk]),
  generateBundle(_, bundle) {
    tell([bundle, [...this.getModuleIds()].map((id) => this.getModuleInfo(id)?.code)])
  },
  writeBundle: (_, bundle) => tell(bundle),
})

const ofWebpack = (tell: Tell) => ({
  apply(compiler: Compiler) {
    compiler.hooks.compilation.tap('teller', (compilation) => {
      compilation.hooks.processAssets.tap('teller', (assets) =>
        tell([
          Object.entries(assets).map(([name, source]) => [name, source.source().toString()]),
          [...compilation.modules].map((module) => module.originalSource()?.sourceAndMap()),
        ]),
      )
    })
    compiler.hooks.done.tap('teller', (stats) => tell(stats.toJson({ all: true, source: true })))
  },
})

const textOf = (told: unknown) =>
  inspect(told, { depth: 9, maxStringLength: Infinity, maxArrayLength: Infinity })

async function build(host: HostName, tell: (told: unknown, root: string) => void) {
  const root = await project({ 'src/main.ts': SOURCE })
  return buildProject(shared, host, root, {
    maps: 'file',
    after: [TELLERS[host]!((told) => tell(told, root))],
    options: { env: { KEY: VALUES.variable } },
  })
}

const hosts = Object.keys(TELLERS) as HostName[]

describe.each(hosts)('the data that %s passes to a later plugin', (host) => {
  it('contains no plaintext: modules, chunks, maps, metafiles, manifests and stats', async () => {
    const told: string[] = []
    const { failed, terminal, files } = await build(host, (one) => void told.push(textOf(one)))
    expect(failed, terminal).toBe(false)
    const all: [string, Buffer][] = told.map((text, at) => [`told ${at}`, Buffer.from(text)])
    expect(told.join('\n')).toContain(host === 'esbuild' ? 'main.ts' : 'kms:v1:')
    expect(detect([...all, ...files, ['terminal', Buffer.from(terminal)]], VALUES)).toEqual([])
  })

  it('contains no plaintext in errors', async () => {
    const { failed, terminal, files } = await build(host, (one, root) => {
      const text = textOf(one)
      throw Object.assign(new Error(text), {
        frame: text,
        pos: 60,
        loc: { file: join(root, 'src/main.ts'), line: 2, column: 20 },
        cause: one,
      })
    })
    expect(failed).toBe(true)
    expect(detect([...files, ['terminal', Buffer.from(terminal)]], VALUES)).toEqual([])
  })
})
