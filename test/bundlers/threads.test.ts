import { join } from 'node:path'
import { build as vite } from 'vite'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import kmsVite from '../../src/bundlers/vite.js'
import type { Options } from '../../src/options/types.js'
import { detect } from '../detector/detect.js'
import { project } from '../support/project.js'
import { bench, decrypts, filesIn, printed, writeNamed, type Bench } from './fixture.js'
import { ABSENT, HOSTS, type HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const ENV = { KEY: 'planted-variable-value-8R', LAZY: 'planted-lazy-value-9S' }

/** Two entries, the second a worker thread's, with a shared module and one that is loaded lazily. */
const sources = (worker: string, host: HostName) => ({
  'src/shared.ts': `import { secret } from 'unplugin-kms/secret'
export const key = secret.env('KEY')
export const open = async () => [await key, await key, await (await import('./lazy.js')).lazy]
`,
  'src/lazy.ts': `import { secret } from 'unplugin-kms/secret'\nexport const lazy = secret.env('LAZY')`,
  'src/worker.ts': `import { parentPort } from 'node:worker_threads'
import { open } from './shared.js'
open().then((opened) => parentPort!.postMessage(opened))
`,
  // webpack 5.112 has the class at hand, and writes an invalid `new` of one that is imported.
  'src/main.ts': `${host === 'webpack' ? '' : `import { Worker } from 'node:worker_threads'`}
import { open } from './shared.js'
const inThread = () =>
  new Promise((done, fail) => {
    const worker = new Worker(${worker})
    worker.on('message', done).on('error', fail)
  })
open().then(async (opened) => console.log(JSON.stringify([opened, await inThread()])))
`,
})

const BESIDE = `new URL(['./worker', 'mjs'].join('.'), import.meta.url)`
const BUNDLED = `new URL('./worker.ts', import.meta.url)`

const WAYS: [host: HostName, what: string, worker: string, entries: Record<string, string>][] = [
  ...(['esbuild', 'rollup', 'rolldown', 'vite', 'bun'] as const).map(
    (host): (typeof WAYS)[number] => [
      host,
      'an entry',
      BESIDE,
      { main: 'main.ts', worker: 'worker.ts' },
    ],
  ),
  ['webpack', 'found by the bundler', BUNDLED, { main: 'main.ts' }],
  ['rspack', 'found by the bundler', BUNDLED, { main: 'main.ts' }],
]

describe.each(WAYS)('under %s a worker that is %s', (host, _, worker, entries) => {
  it.skipIf(ABSENT[host])(
    'unwraps once, and so does the main thread, lazy chunks included',
    async () => {
      const root = await project(sources(worker, host))
      const secretsFile = join(root, 'kms-secrets.json')
      await writeNamed(secretsFile, shared.pair, {})
      const outdir = join(root, 'out')
      const built = await HOSTS[host]({
        root: join(root, 'src'),
        entries,
        outdir,
        format: 'esm',
        maps: 'none',
        minify: false,
        options: { secretsFile, env: ENV, aws: shared.aws },
      })
      expect(built.failed, built.terminal).toBe(false)
      const files = await filesIn(outdir)
      expect(detect(files, ENV)).toEqual([])
      const before = decrypts(shared.kms)
      const opened = [ENV.KEY, ENV.KEY, ENV.LAZY]
      const outcome = { ...built, outdir, files }
      expect(await printed(shared, outcome, { plaintexts: [] }, '.mjs')).toEqual([opened, opened])
      expect(decrypts(shared.kms) - before).toBe(2)
    },
  )
})

describe('a Vite worker with the plugin in worker.plugins', () => {
  async function build(start: string, client: NonNullable<Options['client']>) {
    const { VITEST } = process.env
    delete process.env.VITEST
    onTestFinished(() => void (process.env.VITEST = VITEST))
    const root = await project({
      'main.ts': start,
      'worker.ts': `import { secret } from 'unplugin-kms/secret'\nsecret.env('KEY').then((key) => postMessage(key.length))`,
    })
    const secretsFile = join(root, 'kms-secrets.json')
    await writeNamed(secretsFile, shared.pair, {})
    const plugin = () => kmsVite({ secretsFile, env: ENV, client })
    const failure = await vite({
      root,
      configFile: false,
      logLevel: 'silent',
      worker: { format: 'es', plugins: () => [plugin()] },
      build: { outDir: 'out', lib: { entry: 'main.ts', formats: ['es'] } },
      plugins: [plugin()],
    }).then(
      () => null,
      (error: Error) => error,
    )
    return { failure, files: await filesIn(join(root, 'out')) }
  }

  it.each([
    ['new Worker', `new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })`],
    ['?worker', `import Thread from './worker.ts?worker'\nnew Thread()`],
    ['?worker&inline', `import Thread from './worker.ts?worker&inline'\nnew Thread()`],
    ['?worker&url', `import address from './worker.ts?worker&url'\nnew Worker(address)`],
  ])(
    'is rejected as a browser bundle, and sealed if the options allow it (%s)',
    async (_, start) => {
      const { failure, files } = await build(start, 'error')
      expect(failure?.message).toContain('[CLIENT_BUNDLE]')
      expect(files).toEqual([])
      const allowed = await build(start, 'allow')
      expect(allowed.failure).toBeNull()
      expect(detect(allowed.files, ENV)).toEqual([])
      expect(allowed.files.length).toBeGreaterThan(0)
    },
  )
})
