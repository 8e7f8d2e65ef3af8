import { join } from 'node:path'
import * as esbuild from 'esbuild'
import { build as vite } from 'vite'
import { expect, it } from 'vitest'
import kmsEsbuild from '../../src/bundlers/esbuild.js'
import kmsVite from '../../src/bundlers/vite.js'
import { filesIn, project, secretsFile } from '../support/project.js'

const CODE = `import { secret } from 'unplugin-kms/secret'\nsecret.named('DB_PASSWORD').then(console.log)`

it('rejects a mark in a browser bundle of esbuild, unless the options allow it', async () => {
  const root = await project({ 'src/main.ts': CODE })
  await secretsFile(join(root, 'kms-secrets.json'), { DB_PASSWORD: 'hunter2' })
  const build = (client: 'error' | 'allow') =>
    esbuild.build({
      entryPoints: [join(root, 'src/main.ts')],
      absWorkingDir: root,
      outdir: join(root, 'out'),
      bundle: true,
      external: ['node:*'],
      logLevel: 'silent',
      plugins: [kmsEsbuild({ secretsFile: join(root, 'kms-secrets.json'), client })],
    })
  await expect(build('error')).rejects.toThrow(/src\/main\.ts:2:1: .*\[CLIENT_BUNDLE\]/)
  expect(await filesIn(join(root, 'out'))).toEqual({})
  await build('allow')
  expect((await filesIn(join(root, 'out')))['main.js']).toContain('kms:v1:')
})

it('rejects a mark in a browser bundle of Vite at its place', async () => {
  const root = await project({
    'src/main.ts': CODE,
    'index.html': '<script type="module" src="/src/main.ts"></script>',
  })
  await secretsFile(join(root, 'kms-secrets.json'), { DB_PASSWORD: 'hunter2' })
  // Vitest runs what Vite calls `client` in Node, and the plugin knows it by this variable.
  const { VITEST } = process.env
  delete process.env.VITEST
  try {
    const build = vite({
      root,
      configFile: false,
      logLevel: 'silent',
      build: { outDir: join(root, 'out') },
      plugins: [kmsVite({ secretsFile: join(root, 'kms-secrets.json') })],
    })
    await expect(build).rejects.toThrow(/src\/main\.ts:2:1: .*\[CLIENT_BUNDLE\]/)
  } finally {
    process.env.VITEST = VITEST
  }
  expect(await filesIn(join(root, 'out'))).toEqual({})
})
