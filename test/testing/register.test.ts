import { execFile } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startLocalKms } from '@unplugin-kms/local-kms'
import { expect, it, onTestFinished } from 'vitest'
import { initSecretsFile, setSecrets } from '../../src/index.js'
import { project } from '../support/project.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const IMPORT = ['--import', 'unplugin-kms/register']
const VALUES = { '.env.test': 'STRIPE_KEY=sk_test_of_nobody\nDB_CONFIG={"port":5432}\n' }
const CONFIG = { 'unplugin-kms.config.js': `export default { dev: { values: '.env.test' } }` }
const ESM = { 'package.json': '{ "type": "module" }' }

const HANDLER = `import { secret } from 'unplugin-kms/secret'
const key = secret.env('STRIPE_KEY')
export const handler = async () => ({ length: (await key).length, key: String(await key) })
`

interface Outcome {
  code: number
  printed: string
}

/** Creates a project that can import this package. */
async function runnable(files: Record<string, string>): Promise<string> {
  const folder = await project({ ...ESM, ...VALUES, ...files })
  await mkdir(join(folder, 'node_modules'))
  await symlink(ROOT, join(folder, 'node_modules/unplugin-kms'))
  return folder
}

function node(folder: string, args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const { PATH = '' } = process.env
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      args,
      { cwd: folder, env: { PATH, ...env } },
      (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, printed: stdout + stderr }),
    )
  })
}

it('opens the marks of ES modules with the values of the configuration file', async () => {
  const folder = await runnable({
    ...CONFIG,
    'handler.js': HANDLER,
    'handler.test.js': `import test from 'node:test'
import assert from 'node:assert'
import { handler } from './handler.js'
test('handler', async () => assert.equal((await handler()).key, 'sk_test_of_nobody'))`,
  })
  const { code, printed } = await node(folder, [...IMPORT, '--test'])
  expect(printed).toContain('pass 1')
  expect(code).toBe(0)
})

it('opens the marks of TypeScript that Node strips', async ({ skip }) => {
  if (!process.features.typescript) skip(`Node ${process.version} does not strip types`)
  const folder = await runnable({
    ...CONFIG,
    'handler.ts': HANDLER.replace('const key', 'const key: Promise<string>'),
    'main.js': `import { handler } from './handler.ts'\nconsole.log(await handler())`,
  })
  expect((await node(folder, [...IMPORT, 'main.js'])).printed).toContain('sk_test_of_nobody')
})

it('opens the marks of CommonJS that a compiler wrote', async () => {
  const folder = await runnable({
    ...CONFIG,
    'handler.cjs': `const secret_1 = require("unplugin-kms/secret");
const key = secret_1.secret.env('STRIPE_KEY');
exports.handler = async () => (0, secret_1.secret)('a literal') && key;`,
    'main.cjs': `require('./handler.cjs').handler().then(console.log)`,
    'main.mjs': `import { handler } from './handler.cjs'\nconsole.log(await handler())`,
  })
  for (const args of [
    [...IMPORT, 'main.cjs'],
    [...IMPORT, 'main.mjs'],
    ['--require', 'unplugin-kms/register', 'main.cjs'],
  ]) {
    expect(await node(folder, args)).toEqual({
      code: 0,
      printed: expect.stringContaining('sk_test_of_nobody'),
    })
  }
})

it('returns the lazy promise of production', async () => {
  const folder = await runnable({
    ...CONFIG,
    'main.js': `import { secret } from 'unplugin-kms/secret'
const key = secret.env('STRIPE_KEY')
console.log(key, JSON.stringify({ key }), (await secret.named('DB_CONFIG', 'json')).port)
try { String(key) } catch (error) { console.log(error.code) }`,
  })
  const { printed } = await node(folder, [...IMPORT, 'main.js'])
  expect(printed).toContain('[secret STRIPE_KEY]')
  expect(printed).toContain('5432')
  expect(printed).toContain('NOT_AWAITED')
  expect(printed).not.toContain('sk_test_of_nobody')
})

it('opens synchronous marks in ES modules and in CommonJS', async () => {
  const folder = await runnable({
    ...CONFIG,
    'values.js': `import { secret } from 'unplugin-kms/secret/sync'
export const key = secret.env('STRIPE_KEY')
export const bytes = secret.env('STRIPE_KEY').length + secret.named('DB_CONFIG', 'bytes').length`,
    'values.cjs': `const secret_1 = require("unplugin-kms/secret/sync");
exports.key = secret_1.secret.env('STRIPE_KEY');
exports.config = secret_1.secret.named('DB_CONFIG', 'json');`,
    'main.js': `import { key, bytes } from './values.js'
import values from './values.cjs'
console.log(key, bytes, values.key, values.config.port)`,
  })
  const { printed } = await node(folder, [...IMPORT, 'main.js'])
  expect(printed).toContain('sk_test_of_nobody 30 sk_test_of_nobody 5432')
})

it('fails only those who await a mark without a value, and names its place', async () => {
  const folder = await runnable({
    ...CONFIG,
    'main.js': `import { secret } from 'unplugin-kms/secret'
const [key, other] = [secret.env('STRIPE_KEY'), secret.env('NOT_THERE')]
console.log(await key)
await other.catch((error) => console.log(error.name, error.message))`,
  })
  const { printed } = await node(folder, [...IMPORT, 'main.js'])
  expect(printed).toContain('sk_test_of_nobody\n')
  expect(printed).toContain(
    "KmsSecretError NOT_THERE: main.js:2:49: the option dev.values has no value for secret.env('NOT_THERE'). Add the line NOT_THERE=… to .env.test. [DEV_VALUE_MISSING]",
  )
})

it('rejects a mark that a build could not read when its module is loaded', async () => {
  const folder = await runnable({
    ...CONFIG,
    'main.js': `import { secret } from 'unplugin-kms/secret'
console.log('ran')
const key = secret.env(process.argv[2])`,
  })
  const { code, printed } = await node(folder, [...IMPORT, 'main.js', 'STRIPE_KEY'])
  expect(code).toBe(1)
  expect(printed).toContain('main.js:3:')
  expect(printed).toContain('[ARGUMENT_NOT_STATIC]')
  expect(printed).not.toContain('ran')
})

it('distinguishes literals that end in the same characters', async () => {
  const end = 'the same end of both of the literals'
  const folder = await runnable({
    ...CONFIG,
    'main.js': `import { secret } from 'unplugin-kms/secret'
console.log(await Promise.all([secret('one ${end}'), secret('other ${end}')]))`,
  })
  const { printed } = await node(folder, [...IMPORT, 'main.js'])
  expect(printed).toContain(`one ${end}`)
  expect(printed).toContain(`other ${end}`)
})

it('shows no value that is not the JSON that a mark asks for', async () => {
  const folder = await runnable({
    ...CONFIG,
    'main.js': `import { secret } from 'unplugin-kms/secret'
await secret.named('STRIPE_KEY', 'json').catch((error) => console.log(error.code, error))
await import('./sync.js').catch((error) => console.log(error.code, error))
await import('./sync.cjs').catch((error) => console.log(error.code, error))`,
    'sync.js': `import { secret } from 'unplugin-kms/secret/sync'
export const key = secret.named('STRIPE_KEY', 'json')`,
    'sync.cjs': `const secret_1 = require("unplugin-kms/secret/sync");
exports.key = secret_1.secret.named('STRIPE_KEY', 'json');`,
  })
  const { printed } = await node(folder, [...IMPORT, 'main.js'])
  expect(printed.match(/^JSON_INVALID /gm)).toHaveLength(3)
  expect(printed).not.toContain('sk_test')
})

it('takes the options that a setup file passes to register', async () => {
  const folder = await runnable({
    'handler.js': HANDLER,
    'setup.js': `import { register } from 'unplugin-kms/register'
register({ dev: { values: { STRIPE_KEY: 'from the setup file' } } })`,
    'main.js': `import { handler } from './handler.js'\nconsole.log(await handler())`,
  })
  const { printed } = await node(folder, ['--import', './setup.js', 'main.js'])
  expect(printed).toContain('from the setup file')
})

it('takes the values of the file that UNPLUGIN_KMS_DEV_VALUES names', async () => {
  const folder = await runnable({
    'handler.js': HANDLER,
    'main.js': `import { handler } from './handler.js'\nconsole.log(await handler())`,
  })
  const env = { UNPLUGIN_KMS_DEV_VALUES: '.env.test' }
  expect((await node(folder, [...IMPORT, 'main.js'], env)).printed).toContain('sk_test_of_nobody')
})

it('reports a configuration file without options', async () => {
  const folder = await runnable({
    'unplugin-kms.config.js': 'export const options = {}',
    'handler.js': HANDLER,
    'main.js': `import { handler } from './handler.js'\nawait handler()`,
  })
  const { code, printed } = await node(folder, [...IMPORT, 'main.js'])
  expect(code).toBe(1)
  expect(printed).toContain('unplugin-kms.config.js has no options as its default export')
  expect(printed).toContain('[OPTIONS_INVALID]')
})

it('seals and opens through KMS where no values are given for tests', async () => {
  const kms = await startLocalKms()
  onTestFinished(() => kms.close())
  await kms.createKey({ alias: 'alias/app' })
  const folder = await runnable({
    'unplugin-kms.config.js': `export default { keyId: 'alias/app', dev: { values: '.env.test' } }`,
    'handler.js': HANDLER,
    'values.cjs': `const secret_1 = require("unplugin-kms/secret/sync");
exports.key = secret_1.secret.env('STRIPE_KEY');`,
    'main.js': `import { handler } from './handler.js'
import values from './values.cjs'
console.log(await handler(), values.key)`,
  })
  const env = { ...kms.env, UNPLUGIN_KMS_DEV_VALUES: 'none', STRIPE_KEY: 'of the environment' }
  const { code, printed } = await node(folder, [...IMPORT, 'main.js'], env)
  expect(printed).toContain("{ length: 18, key: 'of the environment' } of the environment")
  expect(code).toBe(0)
  const calls = kms.journal.map(({ operation }) => operation)
  expect(calls.filter((name) => name === 'Decrypt')).toHaveLength(2)
  expect(calls).toContain('GenerateDataKeyPairWithoutPlaintext')
})

it('opens the entries of a secrets file through KMS', async () => {
  const kms = await startLocalKms()
  onTestFinished(() => kms.close())
  const folder = await runnable({
    'main.js': `import { secret } from 'unplugin-kms/secret'\nconsole.log(await secret.named('STRIPE_KEY'))`,
  })
  const { arn } = await kms.createKey()
  const secretsFile = join(folder, 'kms-secrets.json')
  const aws = { endpoint: kms.url, region: 'us-east-1', credentials: kms.admin.credentials }
  await initSecretsFile({ secretsFile, keyIds: [arn], types: false, aws })
  await setSecrets(new Map([['STRIPE_KEY', 'of the file']]), { secretsFile })
  const { printed } = await node(folder, [...IMPORT, 'main.js'], kms.env)
  expect(printed).toContain('of the file')
})
