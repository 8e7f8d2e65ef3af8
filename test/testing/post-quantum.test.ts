import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSession } from '../../src/frameworks/next-session.js'
import { initSecretsFile, setSecrets } from '../../src/index.js'
import { run } from '../bundlers/hosts.js'
import { ask } from '../frameworks/ask.js'
import { hasMlKem, mlKemNode, withMlKem } from '../support/ml-kem-node.js'
import { project } from '../support/project.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const VALUE = 'planted-value-6P'

let kms: LocalKms
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
})
afterAll(() => kms.close())

/** Creates a project with a secrets file of an ML-KEM pair, which can import this package. */
async function runnable(files: Record<string, string>) {
  const folder = await project({ 'package.json': '{ "type": "module" }', ...files })
  await mkdir(join(folder, 'node_modules'))
  await symlink(ROOT, join(folder, 'node_modules/unplugin-kms'))
  const aws = { endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials }
  const options = { secretsFile: join(folder, 'kms-secrets.json'), aws }
  await initSecretsFile({ ...options, keyIds: [key], types: false, postQuantum: true })
  await setSecrets(new Map([['DB', VALUE]]), options)
  return { folder, options }
}

const decrypts = () => kms.journal.filter(({ operation }) => operation === 'Decrypt').length

async function node(command: string, folder: string, args: string[]) {
  const before = decrypts()
  const env = { ...kms.env, NODE_OPTIONS: '', XDG_STATE_HOME: join(folder, 'state') }
  const result = await run(command, args, env, folder)
  return { ...result, decrypts: decrypts() - before }
}

const MODULES: [string, string, Record<string, string>][] = [
  [
    'marks that are awaited',
    'main.js',
    {
      'main.js': `import { secret } from 'unplugin-kms/secret'\nconsole.log(await secret.named('DB'))`,
    },
  ],
  [
    'synchronous marks of ES modules',
    'main.js',
    {
      'main.js': `import { secret } from 'unplugin-kms/secret/sync'\nconsole.log(secret.named('DB'))`,
    },
  ],
  [
    'synchronous marks of CommonJS that a compiler wrote',
    'main.cjs',
    {
      'main.cjs': `const secret_1 = require("unplugin-kms/secret/sync");\nconsole.log(secret_1.secret.named('DB'))`,
    },
  ],
]

describe.each(MODULES)('unplugin-kms/register and an ML-KEM pair: %s', (_, entry, files) => {
  const args = ['--import', 'unplugin-kms/register', entry]

  it.skipIf(!mlKemNode)(`are opened ${withMlKem}`, async () => {
    const { folder } = await runnable(files)
    const result = await node(mlKemNode!, folder, args)
    expect(result).toMatchObject({ code: 0, stdout: `${VALUE}\n`, decrypts: 1 })
  })

  it.skipIf(hasMlKem)(`fail without a call of KMS on ${process.version}`, async () => {
    const { folder } = await runnable(files)
    const { code, stdout, stderr, decrypts } = await node(process.execPath, folder, args)
    expect({ code, stdout, decrypts }).toEqual({ code: 1, stdout: '', decrypts: 0 })
    expect(stderr).toMatch(/KmsSecretError\]: DB: ML-KEM needs Node\.js 24\.7.*NODE_UNSUPPORTED/)
  })
})

it('opens marks of a file with an ML-KEM pair to test values on any Node.js', async () => {
  const [, entry, files] = MODULES[0]!
  const { folder } = await runnable({ ...files, '.env.test': 'DB=a value for tests\n' })
  await writeFile(
    join(folder, 'unplugin-kms.config.js'),
    `export default { dev: { values: '.env.test' } }`,
  )
  const result = await node(process.execPath, folder, ['--import', 'unplugin-kms/register', entry])
  expect(result).toMatchObject({ code: 0, stdout: 'a value for tests\n', decrypts: 0 })
})

describe('the code that Next.js evaluates, with an ML-KEM pair', () => {
  async function emitted(marker: string, read: string) {
    const source = `import { secret } from '${marker}'\nexport const value = secret.named('DB')\n`
    const { folder, options } = await runnable({ 'lib/secrets.js': source })
    const { address, build } = startSession(options, folder, false)
    const { result, error } = await ask(address, {
      code: source,
      id: join(folder, 'lib/secrets.js'),
      target: 'server',
    })
    expect(error).toBeUndefined()
    await writeFile(join(folder, 'emitted.js'), `${result!.code}\nconsole.log(${read})\n`)
    await build.outputs.check([])
    expect(result!.code).toContain('kms:v2:')
    return folder
  }

  it.skipIf(!mlKemNode).each([
    ['marks that are awaited', 'unplugin-kms/secret', 'await value'],
    ['synchronous marks', 'unplugin-kms/secret/sync', 'value'],
  ])(`opens %s ${withMlKem}`, async (_, marker, read) => {
    const folder = await emitted(marker, read)
    const result = await node(mlKemNode!, folder, ['emitted.js'])
    expect(result).toMatchObject({ code: 0, stdout: `${VALUE}\n`, stderr: '', decrypts: 1 })
  })

  it.skipIf(hasMlKem)(`fails without a call of KMS on ${process.version}`, async () => {
    const folder = await emitted('unplugin-kms/secret', 'await value')
    const { stdout, stderr, decrypts } = await node(process.execPath, folder, ['emitted.js'])
    expect({ stdout, decrypts }).toEqual({ stdout: '', decrypts: 0 })
    expect(stderr).toContain('NODE_UNSUPPORTED')
  })
})
