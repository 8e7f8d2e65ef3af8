import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rspack, type Configuration as RspackConfiguration } from '@rspack/core'
import { describe, expect, it } from 'vitest'
import webpack, { type Configuration } from 'webpack'
import kmsRspack from '../../src/bundlers/rspack.js'
import kmsWebpack from '../../src/bundlers/webpack.js'
import { shareOf } from '../support/combinations.js'
import { project, secretsFile } from '../support/project.js'

type Side = 'server' | 'client'
interface Stats {
  toString(options: object): string
}
type Done = (error: Error | null, stats?: Stats) => void

const HOSTS = {
  webpack: {
    kms: kmsWebpack,
    run: (configurations: object[], done: Done) => webpack(configurations, done),
  },
  rspack: {
    kms: kmsRspack,
    run: (configurations: object[], done: Done) =>
      rspack(configurations as RspackConfiguration[], done),
  },
}

let next = 0

/** Builds a server and a browser's bundle with one array, and returns the messages. */
async function build(host: keyof typeof HOSTS, order: Side[], instances: string, leaks: boolean) {
  const { kms, run } = HOSTS[host]
  const value = `planted-variable-value-${next++}-8R`
  const root = await project({
    'server.ts': `import { secret } from 'unplugin-kms/secret'\nconsole.log(secret.env('API_KEY'))\n`,
    'client.ts': `console.log('${leaks ? value : 'nothing'}')\n`,
  })
  const options = {
    secretsFile: join(root, 'kms-secrets.json'),
    manifest: join(root, 'kms-manifest.json'),
    env: { API_KEY: value },
  }
  await secretsFile(options.secretsFile, {})
  const one = kms(options)
  const configurations = order.map((side, at): Configuration => ({
    name: side,
    context: root,
    mode: 'production',
    entry: `./${side}.ts`,
    target: side === 'server' ? 'node' : 'web',
    output: { path: join(root, 'out', side), module: true },
    experiments: { outputModule: true },
    dependencies: at ? [order[0]!] : [],
    plugins: [(instances === 'one instance' ? one : kms(options)) as never],
  }))
  const messages = await new Promise<string>((resolve) => {
    run(configurations, (error, stats) => {
      resolve(`${error?.message} ${stats?.toString({ all: false, errors: true })}`)
    })
  })
  return { root, messages }
}

const ROWS = (['webpack', 'rspack'] as const).flatMap((host) =>
  (['one instance', 'two instances'] as const).flatMap((instances) =>
    [['server', 'client'] as Side[], ['client', 'server'] as Side[]].map(
      (order) => [host, instances, order] as const,
    ),
  ),
)

describe('an array of configurations', () => {
  it.each(shareOf(ROWS, 0, 2))(
    'fails if the client has a secret of the server: %s, %s, %j',
    async (...row) => {
      const [host, instances, order] = row
      const { messages } = await build(host, order, instances, true)
      expect(messages).toContain('[LEAK]')
    },
  )

  it.each(shareOf(ROWS, 1, 2))('keeps the manifest of the server: %s, %s, %j', async (...row) => {
    const [host, instances, order] = row
    const { root, messages } = await build(host, order, instances, false)
    expect(messages).not.toContain('[')
    const manifest = await readFile(join(root, 'kms-manifest.json'), 'utf8')
    expect(manifest).toContain('API_KEY')
  })
})
