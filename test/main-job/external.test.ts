import { join } from 'node:path'
import * as esbuild from 'esbuild'
import { rollup, type ExternalOption } from 'rollup'
import transpile from 'rollup-plugin-esbuild'
import { build as vite } from 'vite'
import { describe, expect, it } from 'vitest'
import kmsEsbuild from '../../src/bundlers/esbuild.js'
import kmsRollup from '../../src/bundlers/rollup.js'
import kmsVite from '../../src/bundlers/vite.js'
import { filesIn, project, secretsFile } from '../support/project.js'

async function marked() {
  const root = await project({
    'src/main.ts': `import { secret } from 'unplugin-kms/secret'\nexport default secret.named('DB')`,
  })
  await secretsFile(join(root, 'kms-secrets.json'), { DB: 'hunter2' })
  return { root, options: { secretsFile: join(root, 'kms-secrets.json') } }
}

/** The bundle imports Node's own modules and nothing else. */
async function holdsShim(root: string) {
  const text = Object.values(await filesIn(join(root, 'out'))).join('\n')
  expect(text).toContain('TrentService.Decrypt')
  const imports = [...text.matchAll(/^(?:import|export) .*?from\s*["']([^"']+)["']/gm)].map(
    ([, source]) => source!,
  )
  expect(imports.filter((source) => !source.startsWith('node:'))).toEqual([])
}

describe('the shim is in the bundle, whatever is external', () => {
  it.each<[string, ExternalOption]>([
    ['all packages', (id) => !/^[./]/.test(id) && !id.includes('main.ts')],
    ['node_modules', [/node_modules/, /^node:/]],
    ['all but the entry', (id) => !id.endsWith('main.ts')],
    ['our own name', [/unplugin-kms/, /^node:/]],
  ])('Rollup: %s', async (_, external) => {
    const { root, options } = await marked()
    const bundle = await rollup({
      input: join(root, 'src/main.ts'),
      external,
      onLog() {},
      plugins: [kmsRollup(options), transpile()],
    })
    await bundle.write({ dir: join(root, 'out') })
    await holdsShim(root)
  })

  it.each([{ external: true as const }, { external: ['unplugin-kms'] }])(
    'Vite: ssr %o',
    async (ssr) => {
      const { root, options } = await marked()
      await vite({
        root,
        configFile: false,
        logLevel: 'silent',
        ssr,
        build: {
          ssr: join(root, 'src/main.ts'),
          outDir: join(root, 'out'),
          rollupOptions: { external: [/unplugin-kms/] },
        },
        plugins: [kmsVite(options)],
      })
      await holdsShim(root)
    },
  )

  it.each<esbuild.BuildOptions>([
    { packages: 'external' },
    { external: ['unplugin-kms', 'unplugin-*'] },
  ])('esbuild: %o', async (outside) => {
    const { root, options } = await marked()
    await esbuild.build({
      entryPoints: [join(root, 'src/main.ts')],
      outdir: join(root, 'out'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      ...outside,
      plugins: [kmsEsbuild(options)],
    })
    await holdsShim(root)
  })
})
