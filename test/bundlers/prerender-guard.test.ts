import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it, vi } from 'vitest'
import { PRERENDERING, withPrerenderGuard } from '../../src/bundlers/prerender-guard.js'
import { project } from '../support/project.js'

type Shim = typeof import('@unplugin-kms/runtime/shim')

const SHIM = createRequire(import.meta.url).resolve('@unplugin-kms/runtime/shim')
const WRAPPED: Parameters<Shim['envelope']> = [
  [['arn:aws:kms:us-east-1:111122223333:key/a', '127.0.0.1:9', 'AAAA']],
  {},
  { start: 'first-use', maxAttempts: 1, deadlineMs: 500 },
]

async function guardedShim(): Promise<Shim> {
  const root = await project({ 'shim.mjs': withPrerenderGuard(await readFile(SHIM, 'utf8')) })
  return import(pathToFileURL(join(root, 'shim.mjs')).href)
}

it('rejects a secret that is awaited while pages are prerendered', async () => {
  vi.stubEnv(PRERENDERING, '1')
  const { envelope, direct } = await guardedShim()
  vi.unstubAllEnvs()
  await expect(envelope(...WRAPPED)('kms:v1:AAAA', 'DB_PASSWORD')).rejects.toThrow('[PRERENDERED]')
  await expect(direct(WRAPPED[0], {}, 'DB_PASSWORD')).rejects.toThrow('DB_PASSWORD')
  await expect(envelope(...WRAPPED)('kms:v1:AAAA', 'A').catch(() => 'caught')).resolves.toBe(
    'caught',
  )
})

it('opens secrets as ever once the build is over', async () => {
  const { envelope } = await guardedShim()
  await expect(envelope(...WRAPPED)('kms:v1:AAAA', 'DB_PASSWORD')).rejects.not.toThrow(
    '[PRERENDERED]',
  )
})
