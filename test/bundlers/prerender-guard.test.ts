import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { build as buildVite } from 'vite'
import { describe, expect, it, vi } from 'vitest'
import { PRERENDERING, withPrerenderGuard } from '../../src/bundlers/prerender-guard.js'
import { ML_KEM_ID, SHIM_ID } from '../../src/bundlers/virtual.js'
import kms from '../../src/bundlers/vite.js'
import { project, secretsFile } from '../support/project.js'
import { run } from '../support/run.js'

type Shim = typeof import('@unplugin-kms/runtime/shim')

const SHIM = createRequire(import.meta.url).resolve('@unplugin-kms/runtime/shim')
const WRAPPED: Parameters<Shim['envelope']> = [
  [['arn:aws:kms:us-east-1:111122223333:key/a', '127.0.0.1:9', 'AAAA']],
  {},
  { start: 'first-use', maxAttempts: 1, deadlineMs: 500 },
]

async function guardedShim(): Promise<Shim> {
  const root = await project({
    'shim.mjs': withPrerenderGuard(SHIM_ID, await readFile(SHIM, 'utf8')),
  })
  return import(pathToFileURL(join(root, 'shim.mjs')).href)
}

it('rejects a secret that is awaited while pages are prerendered, and lists its name', async () => {
  const file = join(await project({}), 'prerendered')
  vi.stubEnv(PRERENDERING, file)
  const { envelope, direct } = await guardedShim()
  vi.unstubAllEnvs()
  await expect(envelope(...WRAPPED)('kms:v1:AAAA', 'DB_PASSWORD')).rejects.toThrow('[PRERENDERED]')
  await expect(direct(WRAPPED[0], {}, 'DB_PASSWORD')).rejects.toThrow('DB_PASSWORD')
  await expect(envelope(...WRAPPED)('kms:v1:AAAA', 'A').catch(() => 'caught')).resolves.toBe(
    'caught',
  )
  void envelope(...WRAPPED)('kms:v1:AAAA', 'NEVER_AWAITED')
  expect(await readFile(file, 'utf8')).toBe('DB_PASSWORD\nDB_PASSWORD\nA\n')
})

it('also rejects secrets of ML-KEM pairs, and leaves other modules as they are', async () => {
  const mlKem = createRequire(import.meta.url).resolve('@unplugin-kms/runtime/ml-kem-module')
  const root = await project({
    'shim.mjs': withPrerenderGuard(SHIM_ID, await readFile(SHIM, 'utf8')),
    'ml-kem.mjs': withPrerenderGuard(ML_KEM_ID, await readFile(mlKem, 'utf8')).replace(
      './unplugin-kms.shim',
      './shim.mjs',
    ),
  })
  vi.stubEnv(PRERENDERING, join(root, 'prerendered'))
  const { envelope } = await import(pathToFileURL(join(root, 'ml-kem.mjs')).href)
  vi.unstubAllEnvs()
  await expect(envelope(...WRAPPED)('kms:v1:AAAA', 'DB_PASSWORD')).rejects.toThrow('[PRERENDERED]')
  expect(withPrerenderGuard('\0unplugin-kms.open-token', 'export { a as envelope }')).toBe(
    'export { a as envelope }',
  )
})

describe('a build that prerenders pages', () => {
  const SHIM_OF_TEST = 'const a = () => {}; export { a as direct, a as envelope }'
  const GUARD = fileURLToPath(new URL('../../src/bundlers/prerender-guard.ts', import.meta.url))
  const IMPORTS = `import { execFileSync } from 'node:child_process'
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    import { guardPrerendering } from './guard.mjs'
    guardPrerendering({ environment: { skipWhere() {} } })
    const root = process.cwd()`

  it.each([
    ['its own process', `await import(root + '/page.mjs')`],
    ['a child process', `execFileSync(process.execPath, ['page.mjs'])`],
    ['a thread', `await once(new Worker(root + '/page.mjs'), 'exit')`],
    ['a command that ends by process.exit', `await import(root + '/page.mjs'); process.exit(0)`],
  ])('fails after %s awaited a secret and went on', async (_, renders) => {
    const { code, printed } = await runBuild(renders, 'await secret.catch(() => {})')
    expect(printed).toMatch(/secret DB_PASSWORD: awaited while .*\[PRERENDERED\]/)
    expect(code).toBe(1)
  })

  it('succeeds if no secret is awaited', async () => {
    const outcome = await runBuild(`await import(root + '/page.mjs')`, 'void secret')
    expect(outcome).toEqual({ code: 0, printed: '' })
  })

  async function runBuild(renders: string, page: string) {
    const root = await project({
      'build.mjs': `${IMPORTS}\n${renders}`,
      'shim.mjs': withPrerenderGuard(SHIM_ID, SHIM_OF_TEST),
      'page.mjs': `import { envelope } from './shim.mjs'\nconst secret = envelope()('', 'DB_PASSWORD')\n${page}`,
    })
    await build({
      entryPoints: [GUARD],
      outfile: join(root, 'guard.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
    })
    return new Promise<{ code: unknown; printed: string }>((resolve) => {
      execFile(process.execPath, ['build.mjs'], { cwd: root }, (error, out, err) =>
        resolve({ code: error?.code ?? 0, printed: out + err }),
      )
    })
  }
})

it('sets no variable of the option processEnv while pages are prerendered', async () => {
  const root = await project({ 'entry.ts': 'console.log(String(process.env.DB_PASSWORD))\n' })
  const file = join(root, 'kms-secrets.json')
  await secretsFile(file, { DB_PASSWORD: 'a value of the secrets file' })
  vi.stubEnv(PRERENDERING, join(root, 'prerendered'))
  await buildVite({
    root,
    configFile: false,
    logLevel: 'silent',
    plugins: [kms({ secretsFile: file, processEnv: true }), { name: 'astro:a-framework' }],
    build: { ssr: 'entry.ts', outDir: 'dist' },
  })
  vi.unstubAllEnvs()
  const env = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', AWS_REGION: 'us-east-1' }
  const entry = join(root, 'dist/entry.mjs')
  expect(await run(entry, { ...env, [PRERENDERING]: join(root, 'prerendered') })).toBe(
    'undefined\n',
  )
  const unreachable = { ...env, AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:9' }
  await expect(run(entry, unreachable)).rejects.toThrow('[KMS_UNREACHABLE]')
})

it('decrypts secrets after the build', async () => {
  const { envelope } = await guardedShim()
  await expect(envelope(...WRAPPED)('kms:v1:AAAA', 'DB_PASSWORD')).rejects.not.toThrow(
    '[PRERENDERED]',
  )
})
