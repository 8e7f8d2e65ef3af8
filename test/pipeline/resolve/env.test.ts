import { join } from 'node:path'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import kms from '../../../src/bundlers/vite.js'
import type { Options } from '../../../src/options/types.js'
import { BuildSession } from '../../../src/pipeline/session.js'
import { NODE_BUILD } from '../../../src/pipeline/target.js'
import { KEY_ARN, project } from '../../support/project.js'
import { exportsOf } from '../../support/run.js'
import { IMPORT, opened, startAccount, type Account } from './sources.js'

let account: Account
beforeAll(async () => {
  account = await startAccount()
})
afterEach(() => vi.unstubAllEnvs())
afterAll(() => account.close())

/** Returns the value of `secret.env('KEY')` in a bundle that Vite built next to these files. */
async function keyUnderVite(files: Record<string, string>, options: Options = {}, mode?: string) {
  const root = await project({
    'main.ts': `${IMPORT}export const key = secret.env('KEY')`,
    ...files,
  })
  await build({
    root,
    configFile: false,
    logLevel: 'silent',
    ...(mode && { mode }),
    build: { ssr: 'main.ts', rollupOptions: { output: { entryFileNames: '[name].mjs' } } },
    plugins: [kms({ ...account.options, ...options })],
  })
  return (await exportsOf(join(root, 'dist/main.mjs'), account.kms.env)).key
}

describe('secret.env under Vite', () => {
  it('reads the .env files, those of the mode first', async () => {
    const files = {
      '.env': 'KEY=value-of-every-mode',
      '.env.staging': 'KEY=value-of-staging',
      '.env.production': 'KEY=value-of-production',
    }
    expect(await keyUnderVite(files)).toBe('value-of-production')
    expect(await keyUnderVite(files, {}, 'staging')).toBe('value-of-staging')
    expect(await keyUnderVite(files, {}, 'other')).toBe('value-of-every-mode')
  })

  it('reads process.env before them, as Vite does', async () => {
    vi.stubEnv('KEY', 'value-of-the-process')
    expect(await keyUnderVite({ '.env': 'KEY=value-of-the-file' })).toBe('value-of-the-process')
  })

  it('reads only the option env if it is set', async () => {
    const options = { env: { OTHER: 'value-of-another' } }
    await expect(keyUnderVite({ '.env': 'KEY=value-of-the-file' }, options)).rejects.toThrow(
      /KEY is not set.*\[ENV_UNSET\]/,
    )
  })
})

it('secret.env reads variables that another tool added to process.env', async () => {
  vi.stubEnv('KEY', 'value-of-the-tool')
  const { values } = await opened(account, `export const key = secret.env('KEY')`, account.options)
  expect(values).toEqual({ key: 'value-of-the-tool' })
})

it('secret.env reports a name such as constructor as unset', async () => {
  for (const name of ['constructor', 'toString', '__proto__'])
    await expect(
      new BuildSession({ keyId: KEY_ARN, env: {} }).transform(
        `${IMPORT}export const key = secret.env('${name}')`,
        'main.ts',
        { target: NODE_BUILD, watch: () => {} },
      ),
    ).rejects.toMatchObject({ code: 'ENV_UNSET' })
})
