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

type Report = (data: unknown) => void

/** A plugin after ours, in the bundler's own language, that passes on all it is given. */
const REPORTERS: Partial<Record<HostName, (report: Report) => unknown>> = {
  esbuild: (report): EsbuildPlugin => ({
    name: 'teller',
    setup: (host) => host.onEnd((result) => report([result.metafile, result.warnings])),
  }),
  rollup: (report) => ofRollup(report),
  rolldown: (report) => ofRollup(report),
  vite: (report) => ({
    ...ofRollup(report),
    config: () => ({ build: { manifest: true, ssrManifest: true } }),
  }),
  webpack: (report) => ofWebpack(report),
  rspack: (report) => ofWebpack(report),
}

const ofRollup = (report: Report): RollupPlugin => ({
  name: 'teller',
  transform(code, id) {
    report([code, id, this.getCombinedSourcemap()])
  },
  moduleParsed: ({ id, code }) => report([id, code]),
  renderChunk: (code, chunk) => report([code, chunk]),
  generateBundle(_, bundle) {
    report([bundle, [...this.getModuleIds()].map((id) => this.getModuleInfo(id)?.code)])
  },
  writeBundle: (_, bundle) => report(bundle),
})

const ofWebpack = (report: Report) => ({
  apply(compiler: Compiler) {
    compiler.hooks.compilation.tap('teller', (compilation) => {
      compilation.hooks.processAssets.tap('teller', (assets) =>
        report([
          Object.entries(assets).map(([name, source]) => [name, source.source().toString()]),
          [...compilation.modules].map((module) => module.originalSource()?.sourceAndMap()),
        ]),
      )
    })
    compiler.hooks.done.tap('teller', (stats) => report(stats.toJson({ all: true, source: true })))
  },
})

const textOf = (data: unknown) =>
  inspect(data, { depth: 9, maxStringLength: Infinity, maxArrayLength: Infinity })

async function build(host: HostName, report: (data: unknown, root: string) => void) {
  const root = await project({ 'src/main.ts': SOURCE })
  return buildProject(shared, host, root, {
    maps: 'file',
    after: [REPORTERS[host]!((data) => report(data, root))],
    options: { env: { KEY: VALUES.variable } },
  })
}

const hosts = Object.keys(REPORTERS) as HostName[]

describe.each(hosts)('the data that %s passes to a later plugin', (host) => {
  it('contains no plaintext: modules, chunks, maps, metafiles, manifests and stats', async () => {
    const data: string[] = []
    const { failed, terminal, files } = await build(host, (one) => void data.push(textOf(one)))
    expect(failed, terminal).toBe(false)
    const all: [string, Buffer][] = data.map((text, at) => [`data ${at}`, Buffer.from(text)])
    expect(data.join('\n')).toContain(host === 'esbuild' ? 'main.ts' : 'kms:v1:')
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
