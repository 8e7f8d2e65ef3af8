import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as esbuild from 'esbuild'
import { build as vite } from 'vite'
import { describe, expect, it } from 'vitest'
import kmsEsbuild from '../../src/bundlers/esbuild.js'
import kmsVite from '../../src/bundlers/vite.js'
import { filesIn, project, secretsFile } from '../support/project.js'

const VALUE = 'hunter2-correct-horse'
const MARKED = `import { secret } from 'unplugin-kms/secret'\nsecret('${VALUE}').then((key) => console.log(key.length))`

describe('a mark in a module that the plugin did not transform', () => {
  it.each([undefined, 'external' as const])(
    'fails a build of esbuild in which another plugin loads the module, packages %s',
    async (packages) => {
      const root = await project({ 'src/main.ts': MARKED })
      await secretsFile(join(root, 'kms-secrets.json'), {})
      const earlier: esbuild.Plugin = {
        name: 'earlier',
        setup(host) {
          host.onLoad({ filter: /main\.ts$/ }, async ({ path }) => ({
            contents: await readFile(path, 'utf8'),
            loader: 'ts',
          }))
        },
      }
      const build = esbuild.build({
        entryPoints: [join(root, 'src/main.ts')],
        outdir: join(root, 'out'),
        bundle: true,
        platform: 'node',
        format: 'esm',
        logLevel: 'silent',
        ...(packages && { packages }),
        plugins: [earlier, kmsEsbuild({ secretsFile: join(root, 'kms-secrets.json') })],
      })
      const failure = await build.then(
        () => null,
        (error: Error) => error,
      )
      expect(failure?.message).toMatch(/src\/main\.ts:2:1: .*\[MARK_UNTRANSFORMED\]/)
      expect(failure?.message).not.toContain(VALUE)
      expect(await filesIn(join(root, 'out'))).toEqual({})
    },
  )

  it.each([undefined, ['unplugin-kms/secret']])(
    'fails a build of Vite with a worker without the plugin, externals %o',
    async (external) => {
      const root = await project({
        'src/main.ts': `export const start = () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })`,
        'src/worker.ts': MARKED,
        'node_modules/unplugin-kms/package.json': JSON.stringify({
          name: 'unplugin-kms',
          type: 'module',
          exports: { './secret': './secret.js' },
        }),
        'node_modules/unplugin-kms/secret.js': await markerModule(),
      })
      await secretsFile(join(root, 'kms-secrets.json'), {})
      const build = vite({
        root,
        configFile: false,
        logLevel: 'silent',
        worker: { format: 'es', ...(external && { rollupOptions: { external } }) },
        build: {
          outDir: join(root, 'out'),
          lib: { entry: join(root, 'src/main.ts'), formats: ['es'] },
        },
        plugins: [kmsVite({ secretsFile: join(root, 'kms-secrets.json') })],
      })
      const failure = await build.then(
        () => null,
        (error: Error) => error,
      )
      // A client build also searches for the plaintexts in the project's sources.
      expect(failure?.message).toContain('[LEAK]')
      expect(failure?.message).not.toContain(VALUE)
      expect(await filesIn(join(root, 'out'))).toEqual({})
    },
  )
})

/** The marker as it is published, in one file. */
async function markerModule(): Promise<string> {
  const entry = new URL('../../src/secret/secret.ts', import.meta.url).pathname
  const { outputFiles } = await esbuild.build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    write: false,
  })
  return outputFiles[0]!.text
}
