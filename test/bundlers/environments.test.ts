import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as esbuild from 'esbuild'
import { rollup } from 'rollup'
import { createBuilder } from 'vite'
import { describe, expect, it } from 'vitest'
import kmsEsbuild from '../../src/bundlers/esbuild.js'
import kmsRollup from '../../src/bundlers/rollup.js'
import kmsVite from '../../src/bundlers/vite.js'
import { project, secretsFile } from '../support/project.js'

let next = 0

/** A server with a secret, and a client into which a plugin or an option copied its value. */
async function projectWithTwin() {
  const value = `planted-variable-value-${next++}-8R`
  const root = await project({
    'server.ts': `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('API_KEY')\n`,
    'client.ts': `export const key = '${value}'\nconsole.log(key)\n`,
  })
  const options = {
    secretsFile: join(root, 'kms-secrets.json'),
    env: { API_KEY: value },
  }
  await secretsFile(options.secretsFile, {})
  return { root, options }
}

type Side = 'server' | 'client'
const ORDERS: Side[][] = [
  ['server', 'client'],
  ['client', 'server'],
]

describe.each(ORDERS)('a server’s secret in the client, built %s first', (...order) => {
  it.each(['one instance', 'two instances'])('fails a Vite build with %s', async (instances) => {
    const { root, options } = await projectWithTwin()
    const one = kmsVite(options)
    const plugins = () => [instances === 'one instance' ? one : kmsVite(options)]
    const builderOf = () =>
      createBuilder({
        root,
        configFile: false,
        logLevel: 'silent',
        plugins: plugins(),
        environments: {
          client: { build: { outDir: 'out/client', rollupOptions: { input: 'client.ts' } } },
          server: {
            consumer: 'server',
            build: { outDir: 'out/server', rollupOptions: { input: 'server.ts' } },
          },
        },
      })
    const builders = [await builderOf(), await builderOf()]
    const build = async () => {
      for (const [at, side] of order.entries()) {
        const builder = builders[instances === 'one instance' ? 0 : at]!
        await builder.build(builder.environments[side]!)
      }
    }
    await expect(build()).rejects.toThrow('[LEAK]')
    expect(existsSync(join(root, 'out/client'))).toBe(order[0] === 'client')
  })

  it('fails a script that runs esbuild twice', async () => {
    const { root, options } = await projectWithTwin()
    const build = async () => {
      for (const side of order)
        await esbuild.build({
          absWorkingDir: root,
          entryPoints: [`${side}.ts`],
          outdir: `out/${side}`,
          bundle: true,
          platform: side === 'server' ? 'node' : 'browser',
          format: 'esm',
          logLevel: 'silent',
          plugins: [kmsEsbuild(options)],
        })
    }
    await expect(build()).rejects.toThrow('[LEAK]')
  })

  it('fails a script that runs Rollup twice', async () => {
    const { root, options } = await projectWithTwin()
    const build = async () => {
      for (const side of order) {
        const bundle = await rollup({
          input: join(root, `${side}.ts`),
          plugins: [kmsRollup(options)],
          onwarn: () => {},
        })
        await bundle.write({ dir: join(root, 'out', side), format: 'es' })
      }
    }
    await expect(build()).rejects.toThrow('[LEAK]')
  })
})

it('passes no output that failed the check to a later plugin of esbuild', async () => {
  const { root, options } = await projectWithTwin()
  await mkdir(join(root, 'late'))
  const late: esbuild.Plugin = {
    name: 'late',
    setup: ({ onEnd }) =>
      onEnd(async ({ outputFiles = [] }) => {
        for (const { contents } of outputFiles)
          await writeFile(join(root, 'late', 'out.js'), contents)
      }),
  }
  const build = esbuild.build({
    absWorkingDir: root,
    stdin: { contents: `import './server'; import './client'`, resolveDir: root },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
    plugins: [kmsEsbuild(options), late],
  })
  await expect(build).rejects.toThrow('[LEAK]')
  expect(existsSync(join(root, 'late/out.js'))).toBe(false)
})
