import { join } from 'node:path'
import * as esbuild from 'esbuild'
import { rolldown } from 'rolldown'
import { build as vite } from 'vite'
import { describe, expect, it, onTestFinished } from 'vitest'
import kmsEsbuild from '../../src/bundlers/esbuild.js'
import kmsRolldown from '../../src/bundlers/rolldown.js'
import kmsVite from '../../src/bundlers/vite.js'
import { filesIn, project, secretsFile } from '../support/project.js'

const VALUE = 'planted-literal-value-7Q'
const MARKED = `import { secret } from 'unplugin-kms/secret'\nexport const key = secret('${VALUE}')\n`

type Work = (root: string, options: { secretsFile: string }) => Promise<unknown>

const ofVite =
  (more: object): Work =>
  (root, options) => {
    const { VITEST } = process.env
    delete process.env.VITEST
    onTestFinished(() => void (process.env.VITEST = VITEST))
    return vite({
      root,
      configFile: false,
      logLevel: 'silent',
      build: { outDir: 'out', ...more },
      plugins: [kmsVite(options)],
    })
  }

const ofEsbuild =
  (loader: esbuild.Loader): Work =>
  (root, options) =>
    esbuild.build({
      absWorkingDir: root,
      entryPoints: ['main.js'],
      outdir: 'out',
      bundle: true,
      platform: 'node',
      format: 'esm',
      loader: { '.txt': loader },
      logLevel: 'silent',
      plugins: [kmsEsbuild(options)],
    })

const ofRolldown =
  (type: 'base64' | 'binary' | 'text' | 'asset'): Work =>
  async (root, options) => {
    const bundle = await rolldown({
      cwd: root,
      input: './main.js',
      platform: 'node',
      logLevel: 'silent',
      moduleTypes: { '.txt': type },
      plugins: [kmsRolldown(options)],
    })
    onTestFinished(() => bundle.close())
    await bundle.write({ dir: join(root, 'out') })
  }

const imported = (specifier: string) => `import text from '${specifier}'\nconsole.log(text)`

const WAYS: [name: string, main: string, work: Work, code?: 'LEAK' | 'MARK_UNTRANSFORMED'][] = [
  ...['?raw', '?url', '?url&inline', '?url&no-inline'].flatMap((query): typeof WAYS => [
    [`Vite: ${query} for a browser`, imported(`./key.ts${query}`), ofVite({})],
    [`Vite: ${query} for a server`, imported(`./key.ts${query}`), ofVite({ ssr: 'main.js' })],
  ]),
  [
    'Vite: an asset’s address',
    `console.log(new URL('./key.ts', import.meta.url).href)`,
    ofVite({}),
    // A client build knows the project's secrets, and the asset contains one.
    'LEAK',
  ],
  ...(['text', 'dataurl', 'base64', 'binary', 'file', 'copy'] as const).map(
    (loader): (typeof WAYS)[number] => [
      `esbuild: the loader ${loader}`,
      imported('./key.txt'),
      ofEsbuild(loader),
    ],
  ),
  ...(['text', 'base64', 'binary', 'asset'] as const).map((type): (typeof WAYS)[number] => [
    `Rolldown: the module type ${type}`,
    imported('./key.txt'),
    ofRolldown(type),
  ]),
]

describe('the source of a module with marks as a string fails the build, and no file is written:', () => {
  it.each(WAYS)('%s', async (_, main, work, code = 'MARK_UNTRANSFORMED') => {
    const root = await project({
      'main.js': main,
      'key.ts': MARKED,
      'key.txt': MARKED,
      'index.html': '<script type="module" src="/main.js"></script>',
    })
    const path = join(root, 'kms-secrets.json')
    await secretsFile(path, {})
    const failure = await work(root, { secretsFile: path }).then(
      () => null,
      (error: Error) => error,
    )
    expect(failure?.message).toContain(`[${code}]`)
    expect(failure?.message).not.toContain(VALUE)
    expect(await filesIn(join(root, 'out'))).toEqual({})
  })
})
