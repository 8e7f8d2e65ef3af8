import { execFile } from 'node:child_process'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { startLocalKms } from '@unplugin-kms/local-kms'
import { createServer } from 'vite'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import kms from '../../src/bundlers/vite.js'
import type { Options } from '../../src/options/types.js'
import { project } from '../support/project.js'

const NAMES = ['DEV_STRIPE_KEY', 'DEV_DB_URL']
const MODULES = join(import.meta.dirname, '../../node_modules')

/** Starts a dev server, and loads a module that reads the environment while it is evaluated. */
async function load(options: Options) {
  const root = await project({
    'src/main.ts': `export { seen } from './client.js'\n`,
    'src/client.ts': `export const seen = [process.env.DEV_STRIPE_KEY, process.env.DEV_DB_URL]\n`,
  })
  onTestFinished(() => {
    for (const name of NAMES) delete process.env[name]
  })
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'silent',
    server: { middlewareMode: true, ws: false },
    optimizeDeps: { noDiscovery: true },
    plugins: [kms({ secretsFile: undefined as never, ...options })],
  })
  onTestFinished(() => server.close())
  return (await server.ssrLoadModule('/src/main.ts')) as { seen: unknown[] }
}

const PROCESS_ENV: Options['processEnv'] = {
  DEV_STRIPE_KEY: { env: 'STRIPE_KEY' },
  DEV_DB_URL: { ssm: '/prod/db-url' },
}
const VALUES = { STRIPE_KEY: 'stripe-of-dev', '/prod/db-url': 'url-of-dev' }

describe('variables of the option processEnv, in the dev server of Vite', () => {
  it('have the values of dev.values when modules are evaluated, with no AWS', async () => {
    const { seen } = await load({ processEnv: PROCESS_ENV, dev: { values: VALUES } })
    expect(seen).toEqual(['stripe-of-dev', 'url-of-dev'])
  })

  it('replace existing variables with a warning, or keep them', async () => {
    process.env.DEV_STRIPE_KEY = 'of the shell'
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warned.mockRestore())
    const options = { processEnv: PROCESS_ENV, dev: { values: VALUES } }
    const kept = await load({ ...options, processEnvOptions: { existing: 'keep' } })
    expect(kept.seen).toEqual(['of the shell', 'url-of-dev'])
    expect(warned).not.toHaveBeenCalled()
    const { seen } = await load(options)
    expect(seen).toEqual(['stripe-of-dev', 'url-of-dev'])
    expect(warned).toHaveBeenCalledOnce()
  })

  it('are unwrapped as in a bundle if dev.values is not set', async () => {
    const local = await startLocalKms()
    onTestFinished(() => local.close())
    const { arn } = await local.createKey()
    for (const [name, value] of Object.entries(local.env)) vi.stubEnv(name, value)
    onTestFinished(() => void vi.unstubAllEnvs())
    const { seen } = await load({
      keyId: arn,
      processEnv: { DEV_STRIPE_KEY: { env: 'KEY' }, DEV_DB_URL: { env: 'URL' } },
      env: { KEY: 'stripe-of-kms', URL: 'url-of-kms' },
    })
    expect(seen).toEqual(['stripe-of-kms', 'url-of-kms'])
  })

  it('stop the server with the name of a value that is missing', async () => {
    await expect(
      load({ processEnv: PROCESS_ENV, dev: { values: { STRIPE_KEY: 'a' } } }),
    ).rejects.toThrow(
      /^processEnv\.DEV_DB_URL: .*secret\.ssm\('\/prod\/db-url'\).*\[DEV_VALUE_MISSING]/,
    )
  })
})

it('sets variables of the option processEnv before the tests of Vitest run', async () => {
  const root = await project({
    'src/client.ts': `export const seen = process.env.DEV_STRIPE_KEY\n`,
    'test/client.test.ts': `import { expect, it } from 'vitest'
import { seen } from '../src/client'
it('sees the variable', () => expect(seen).toBe('value-of-the-tests'))`,
    'package.json': '{"type":"module"}',
    '.env.test': 'KEY=value-of-the-tests',
    'vite.config.ts': `import kms from ${JSON.stringify(join(import.meta.dirname, '../../src/bundlers/vite.ts'))}
export default { plugins: [kms({ processEnv: { DEV_STRIPE_KEY: { env: 'KEY' } }, dev: { values: '.env.test' } })] }`,
  })
  await symlink(MODULES, join(root, 'node_modules'))
  for (const pool of ['forks', 'threads']) {
    const output = await new Promise<string>((done) => {
      execFile(
        process.execPath,
        [join(MODULES, 'vitest/vitest.mjs'), 'run', '--reporter=tap', `--pool=${pool}`],
        { cwd: root, env: { PATH: process.env.PATH, HOME: root } },
        (_, stdout, stderr) => done(`${stdout}${stderr}`),
      )
    })
    expect(output, pool).toMatch(/^ok 1 - test\/client/m)
  }
})
