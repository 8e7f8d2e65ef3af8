import { execFile, type ExecFileOptions } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { startLocalKms } from '@unplugin-kms/local-kms'
import { build, createServer, type ViteDevServer } from 'vite'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import kms from '../../src/bundlers/vite.js'
import type { Options } from '../../src/options/types.js'
import { filesIn, project, secretsFile } from '../support/project.js'
import { WAIT } from '../support/wait.js'

const EVERY_MARK = `import { secret } from 'unplugin-kms/secret'
export const env = secret.env('STRIPE_KEY')
export const named = secret.named('DB_PASSWORD')
export const ssm = secret.ssm('/prod/db/password')
export const key = secret.secretsManager('prod/db', 'password')
export const own = secret.from('vault', 'db')
export const file = secret.file('./client.pem', 'bytes')
export const json = secret.named('CONFIG', 'json')
export const ciphertext = secret.ciphertext('AQICAHh-of-somebody')
export const sealed = secret('kms:v1:AAAA')
export const literal = secret('own-plaintext')
`
const OPENED = {
  env: 'stripe-of-dev',
  named: 'password-of-dev',
  ssm: 'parameter-of-dev',
  key: 'manager-of-dev',
  own: 'vault-of-dev',
  file: new Uint8Array([112, 101, 109]),
  json: { port: 5432 },
  ciphertext: 'ciphertext-of-dev',
  sealed: 'sealed-of-dev',
  literal: 'own-plaintext',
}

/** A dev server, with neither a KMS key nor a secrets file nor credentials. */
async function serve(files: Record<string, string>, values: (root: string) => unknown) {
  const root = await project(files)
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'silent',
    server: { middlewareMode: true, ws: false },
    optimizeDeps: { noDiscovery: true },
    plugins: [
      kms({
        secretsFile: undefined as never,
        dev: { values: values(root) } as NonNullable<Options['dev']>,
      }),
    ],
  })
  onTestFinished(() => server.close())
  return { root, server }
}

const load = (server: ViteDevServer) =>
  server.ssrLoadModule('/src/main.ts') as Promise<Record<string, unknown>>

async function opened(secrets: Record<string, unknown>) {
  const entries = Object.entries(secrets).map(async ([name, value]) => [name, await value] as const)
  return Object.fromEntries(await Promise.all(entries))
}

describe("the option dev.values in Vite's dev server", () => {
  it('sets the value of every mark by name, without AWS', async () => {
    const { server } = await serve({ 'src/main.ts': EVERY_MARK }, () => ({
      STRIPE_KEY: 'stripe-of-dev',
      DB_PASSWORD: 'password-of-dev',
      '/prod/db/password': 'parameter-of-dev',
      'prod/db#password': 'manager-of-dev',
      'vault:db': 'vault-of-dev',
      './client.pem': new Uint8Array([112, 101, 109]),
      CONFIG: { port: 5432 },
      'src/main.ts:9': 'ciphertext-of-dev',
      'src/main.ts:10': 'sealed-of-dev',
    }))
    expect(await opened(await load(server))).toEqual(OPENED)
  })

  it('may be a dotenv file, with the names in capitals', async () => {
    const { server } = await serve(
      {
        'src/main.ts': EVERY_MARK,
        '.env.secrets': `STRIPE_KEY=stripe-of-dev
DB_PASSWORD="password-of-dev"
PROD_DB_PASSWORD=parameter-of-dev
VAULT_DB=vault-of-dev
CLIENT_PEM=pem
CONFIG={"port":5432}
SRC_MAIN_TS_9=ciphertext-of-dev
SRC_MAIN_TS_10=sealed-of-dev`,
      },
      (root) => join(root, '.env.secrets'),
    )
    expect(await opened(await load(server))).toEqual({ ...OPENED, key: 'parameter-of-dev' })
  })

  it('takes the new value after the file has changed', async () => {
    const { root, server } = await serve(
      {
        'src/main.ts': `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')`,
        '.env.secrets': 'KEY=the-first-value',
      },
      (root) => join(root, '.env.secrets'),
    )
    expect(await (await load(server)).key).toBe('the-first-value')
    await vi.waitFor(async () => {
      await writeFile(join(root, '.env.secrets'), 'KEY=the-second-value')
      expect(await (await load(server)).key).toBe('the-second-value')
    }, WAIT)
  })

  it('sets the lazy promise of production, which shows no value and must be awaited', async () => {
    const { server } = await serve(
      {
        'src/main.ts': `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')`,
      },
      () => ({ KEY: 'value-that-hides' }),
    )
    const { key } = await load(server)
    expect(inspect(key)).toContain('secret KEY')
    expect(inspect(key, { showHidden: true, depth: 9 }) + JSON.stringify({ key })).not.toContain(
      'value-that-hides',
    )
    expect(() => String(key)).toThrow(expect.objectContaining({ code: 'NOT_AWAITED' }))
    expect(await key).toBe('value-that-hides')
  })

  it('sets plain values for synchronous marks', async () => {
    const { server } = await serve(
      {
        'src/main.ts': `import { secret } from 'unplugin-kms/secret/sync'\nexport const key = secret.env('KEY').toUpperCase()`,
      },
      () => ({ KEY: 'value-of-dev' }),
    )
    expect((await load(server)).key).toBe('VALUE-OF-DEV')
  })

  it.each([
    ['an absent value', {}, 'Add it: dev: { values: { "CONFIG": \'…\' } }. [DEV_VALUE_MISSING]'],
    ['an empty value', { CONFIG: '' }, "the value of secret.named('CONFIG') is empty"],
    ['a string that is not JSON', { CONFIG: '{"port' }, '[JSON_INVALID]'],
    ['a dotenv file without it', '.env.secrets', 'Add the line CONFIG=… to '],
    ['a dotenv file that is not there', '.env.absent', 'create it, with the line CONFIG=…'],
  ])('reports %s with its place and what to do', async (_, values, message) => {
    const { server } = await serve(
      {
        'src/main.ts': `import { secret } from 'unplugin-kms/secret'\nexport const json = secret.named('CONFIG', 'json')`,
        '.env.secrets': 'OTHER=of-no-use',
      },
      (root) => (typeof values === 'string' ? join(root, values) : values),
    )
    const loading = load(server)
    await expect(loading).rejects.toThrow(message)
    await expect(loading).rejects.toThrow('src/main.ts:2:21: ')
  })

  it('sends no value to the browser', async () => {
    const { VITEST } = process.env
    delete process.env.VITEST
    onTestFinished(() => void (process.env.VITEST = VITEST))
    const { server } = await serve({ 'src/main.ts': EVERY_MARK }, () => ({ STRIPE_KEY: 'x' }))
    await expect(server.environments.client.transformRequest('/src/main.ts')).rejects.toThrow(
      '[CLIENT_BUNDLE]',
    )
  })
})

it('is ignored by a build, with a warning', async () => {
  const root = await project({
    'src/main.ts': `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')`,
  })
  await secretsFile(join(root, 'kms-secrets.json'), {})
  const warnings: string[] = []
  await build({
    root,
    configFile: false,
    logLevel: 'silent',
    build: {
      ssr: 'src/main.ts',
      outDir: join(root, 'out'),
      rolldownOptions: { onLog: (_, { message }) => void warnings.push(message) },
    },
    plugins: [
      kms({
        secretsFile: join(root, 'kms-secrets.json'),
        env: { KEY: 'value of the build' },
        dev: { values: { KEY: 'value of development' } },
      }),
    ],
  })
  const [[, code]] = Object.entries(await filesIn(join(root, 'out'))) as [[string, string]]
  expect(code).toContain('kms:v1:')
  expect(code).not.toContain(Buffer.from('value of development').toString('base64'))
  expect(warnings.join('\n')).toContain('[DEV_VALUES_IGNORED]')
})

const MODULES = join(import.meta.dirname, '../../node_modules')

/** Runs Vitest on a project with one secret, in both environments. */
async function vitest(options: string, env: Record<string, string>) {
  const test = (environment: string, type: string) => `// @vitest-environment ${environment}
import { expect, it } from 'vitest'
import { key } from '../src/main'
it('has the key', async () => {
  expect(typeof window).toBe('${type}')
  expect(await key).toBe('value-of-the-tests')
})`
  const root = await project({
    'src/main.ts': `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.env('KEY')`,
    'test/node.test.ts': test('node', 'undefined'),
    'test/jsdom.test.ts': test('jsdom', 'object'),
    'package.json': '{"type":"module"}',
    '.env.test': 'KEY=value-of-the-tests',
    'vite.config.ts': `import kms from ${JSON.stringify(join(import.meta.dirname, '../../src/bundlers/vite.ts'))}
export default { plugins: [kms(${options})] }`,
  })
  await symlink(MODULES, join(root, 'node_modules'))
  return run(process.execPath, [join(MODULES, 'vitest/vitest.mjs'), 'run', '--reporter=tap'], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: root, AWS_EC2_METADATA_DISABLED: 'true', ...env },
  })
}

const run = (command: string, args: string[], options: ExecFileOptions) =>
  new Promise<string>((done) => {
    execFile(command, args, options, (_, stdout, stderr) => done(`${stdout}${stderr}`))
  })

describe('tests under Vitest, in node and in jsdom,', () => {
  it('run without AWS with the option dev.values', async () => {
    const output = await vitest(`{ keyId: 'alias/app', dev: { values: '.env.test' } }`, {})
    expect(output.match(/^ok \d - test\/(node|jsdom)/gm), output).toHaveLength(2)
  })

  it('run with the embedded KMS', async () => {
    const kms = await startLocalKms()
    onTestFinished(() => kms.close())
    const { arn } = await kms.createKey()
    const output = await vitest(`{ keyId: '${arn}' }`, { ...kms.env, KEY: 'value-of-the-tests' })
    expect(output.match(/^ok \d - test\/(node|jsdom)/gm), output).toHaveLength(2)
  })
})
