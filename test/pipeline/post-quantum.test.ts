import { DisableKeyCommand, KMSClient, ReplicateKeyCommand } from '@aws-sdk/client-kms'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { inspect } from '../../src/inspect/inspect.js'
import { initSecretsFile } from '../../src/secrets/init.js'
import { setSecret } from '../../src/secrets/set.js'
import { BUNDLERS } from '../support/bundle.js'
import { hasMlKem, mlKemNode, withMlKem } from '../support/ml-kem-node.js'
import { filesIn, project } from '../support/project.js'

let kms: LocalKms
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
})
afterAll(() => kms.close())
beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))

const SOURCE = `import { secret } from 'unplugin-kms/secret'
export const named = secret.named('DB')
export const variable = secret.env('API_KEY')
export const other = secret.env('OTHER')
export const bytes = secret.file('./license.bin', 'bytes')
`
const VALUES = { API_KEY: 'value-of-the-variable', OTHER: 'another-value-here' }

async function shop(postQuantum: boolean, keyIds = [key]) {
  const root = await project({
    'package.json': '{}',
    'src/main.ts': SOURCE,
    'src/license.bin': 'bytes-of-a-file',
  })
  const aws = { endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials }
  const options = { secretsFile: join(root, 'kms-secrets.json'), aws }
  await initSecretsFile({ ...options, keyIds, types: false, postQuantum })
  await setSecret('DB', 'value-of-the-entry', options)
  return root
}

/** Imports a bundle in a process of its own and prints its exports, or the code of the first failure. */
const SCRIPT = `const bundle = await import(process.argv[1])
try {
  console.log(JSON.stringify(await Promise.all(Object.keys(bundle).sort().map(async (name) => {
    const value = await bundle[name]
    return [name, value instanceof Uint8Array ? Buffer.from(value).toString() : value]
  }))))
} catch (error) { console.log(error.code) }`

const run = async (bundle: string, command: string, env: NodeJS.ProcessEnv = {}) => {
  const args = ['--input-type=module', '-e', SCRIPT, bundle]
  const { stdout } = await promisify(execFile)(command, args, { env: { ...kms.env, ...env } })
  return stdout.trim()
}

const decrypts = () => kms.journal.filter(({ operation }) => operation === 'Decrypt').length

describe.each(BUNDLERS)('a bundle of $name', (bundler) => {
  const build = async (root: string, minify: boolean) => {
    const { outputs } = await bundler.bundle({ root, minify, options: { env: VALUES } })
    return outputs[0]!
  }

  it.skipIf(!mlKemNode)(`with an ML-KEM pair opens all secrets ${withMlKem}`, async () => {
    const root = await shop(true)
    const bundle = await build(root, true)
    const text = await readFile(bundle, 'utf8')
    expect(text).toContain('kms:v2:')
    // P-256 is not in it.
    expect(text).not.toMatch(/prime256v1|kms:v1:B/)
    const before = decrypts()
    expect(JSON.parse(await run(bundle, mlKemNode!))).toEqual([
      ['bytes', 'bytes-of-a-file'],
      ['named', 'value-of-the-entry'],
      ['other', VALUES.OTHER],
      ['variable', VALUES.API_KEY],
    ])
    expect(decrypts() - before).toBe(1)
  })

  it.skipIf(hasMlKem)('with an ML-KEM pair fails clearly on an earlier node', async () => {
    const bundle = await build(await shop(true), false)
    expect(await run(bundle, process.execPath)).toBe('NODE_UNSUPPORTED')
  })

  it('with a P-256 pair contains no ML-KEM', async () => {
    const root = await shop(false)
    const bundle = await build(root, true)
    expect(await readFile(bundle, 'utf8')).not.toMatch(/decapsulate|sha384|ML-KEM/)
    const before = decrypts()
    expect(JSON.parse(await run(bundle, process.execPath))).toHaveLength(4)
    expect(decrypts() - before).toBe(1)
  })

  it('shares one encapsulation among the values that the build sealed', async () => {
    const root = await shop(false)
    await build(root, false)
    const text = Object.values(await filesIn(join(root, 'out'))).join('')
    const tokens = [...text.matchAll(/kms:v1:([\w-]{60,})/g)].map(([, body]) =>
      Buffer.from(body!, 'base64url'),
    )
    const built = tokens.filter((bytes) => bytes[0]! > 3)
    expect(built).toHaveLength(3)
    expect(new Set(built.map((bytes) => bytes.toString('hex', 9, 74))).size).toBe(1)
    expect(new Set(built.map((bytes) => bytes.readUInt32BE(74)))).toEqual(new Set([0, 1, 2]))
  })

  it('is inspected: names, keys and the suite of an ML-KEM pair', async () => {
    const root = await shop(true)
    await build(root, true)
    const { secrets } = await inspect(join(root, 'out'))
    expect(secrets.map(({ name, suite, keys }) => [name, suite, keys])).toEqual([
      ['./license.bin', 'ML-KEM-1024', [key]],
      ['API_KEY', 'ML-KEM-1024', [key]],
      ['DB', 'ML-KEM-1024', [key]],
      ['OTHER', 'ML-KEM-1024', [key]],
    ])
  })
})

describe('an ML-KEM pair for two regions', () => {
  const clientIn = (region: string) =>
    new KMSClient({ endpoint: kms.url, region, credentials: kms.admin.credentials })

  /** A multi-Region key and its replica, or two unrelated keys. */
  async function keysIn(related: boolean) {
    const { arn } = await kms.createKey({ multiRegion: related })
    if (!related) return [arn, (await kms.createKey({ region: 'eu-west-1' })).arn]
    const command = new ReplicateKeyCommand({ KeyId: arn, ReplicaRegion: 'eu-west-1' })
    const { ReplicaKeyMetadata } = await clientIn(kms.region).send(command)
    return [arn, ReplicaKeyMetadata!.Arn!]
  }

  it.skipIf(!mlKemNode).each([
    ['a multi-Region key', true, ['GenerateDataKeyPairWithoutPlaintext']],
    ['unrelated keys', false, ['Encrypt', 'Encrypt']],
  ])(
    `of %s opens in the region of the function, or else in the other one, ${withMlKem}`,
    async (_, related, created) => {
      const keyIds = await keysIn(related)
      const before = kms.journal.length
      const root = await shop(true, keyIds)
      const made = kms.journal.slice(before).map(({ operation }) => operation)
      expect(made).toEqual(created)
      const bundler = BUNDLERS[0]!
      const { outputs } = await bundler.bundle({ root, options: { env: VALUES } })
      const calls = async () => {
        const start = kms.journal.length
        const opened = await run(outputs[0]!, mlKemNode!, { AWS_REGION: 'eu-west-1' })
        expect(JSON.parse(opened)).toHaveLength(4)
        return kms.journal.slice(start).map(({ region, outcome }) => `${region} ${outcome}`)
      }
      expect(await calls()).toEqual(['eu-west-1 Success'])
      await clientIn('eu-west-1').send(new DisableKeyCommand({ KeyId: keyIds[1] }))
      expect(await calls()).toEqual(['eu-west-1 DisabledException', 'us-east-1 Success'])
    },
  )
})
