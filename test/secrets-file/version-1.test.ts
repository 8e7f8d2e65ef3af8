import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { publicKeyDigest } from '../../src/crypto/data-key-pair.js'
import { existingSecretsFile } from '../../src/secrets-file/locate.js'
import { formatSecretsFile } from '../../src/secrets-file/serialize.js'
import { trustStorePath } from '../../src/secrets-file/trust-store.js'
import { getSecret } from '../../src/secrets/get.js'
import { rotateSecrets } from '../../src/secrets/rotate.js'
import { setSecret } from '../../src/secrets/set.js'
import { BUNDLERS } from '../support/bundle.js'
import { project } from '../support/project.js'
import { exportsOf } from '../support/run.js'

const FIXTURE = fileURLToPath(new URL('../../fixtures/secrets-file-v1', import.meta.url))
const VALUES = {
  named: 'value-of-version-0.1',
  earlier: 'an-api-key-of-version-0.1',
  literal: 'a literal of version 0.1',
}

let kms: LocalKms
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unplugin-kms-v1-'))
  await writeFile(join(folder, '.gitignore'), '*\n')
  await cp(join(FIXTURE, 'kms-state.json'), join(folder, 'state.json'))
  kms = await startLocalKms({ dir: folder })
})
afterAll(async () => {
  await kms.close()
  await rm(folder, { recursive: true })
})
beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))
afterEach(() => void vi.unstubAllEnvs())

const aws = () => ({
  endpoint: kms.url,
  region: kms.region,
  credentials: kms.admin.credentials,
})

/** A copy of the fixture, with what version 0.1 remembered of it. */
async function copy() {
  const root = await project({})
  await cp(FIXTURE, root, { recursive: true })
  const secretsFile = join(root, 'kms-secrets.json')
  const { pairs } = await existingSecretsFile({ secretsFile })
  const pins = [...pairs.values()].map(({ publicKey }) => publicKeyDigest(publicKey))
  const store = join(dirname(trustStorePath()), 'known-pins.json')
  await mkdir(dirname(store), { recursive: true })
  await writeFile(store, JSON.stringify({ [secretsFile]: pins }))
  return { root, secretsFile, pins }
}

const build = async (root: string, options = {}) => {
  const { outputs } = await BUNDLERS[0]!.bundle({ root, options })
  return exportsOf(outputs[0]!, kms.env)
}

it('is written again without a change of a byte', async () => {
  const { secretsFile } = await copy()
  const text = await readFile(secretsFile, 'utf8')
  expect(formatSecretsFile(await existingSecretsFile({ secretsFile }))).toBe(text)
})

it('can be decrypted, and accepts new values without --trust', async () => {
  const { secretsFile } = await copy()
  const options = { secretsFile, aws: aws() }
  expect(Buffer.from(await getSecret('DB_PASSWORD', options)).toString()).toBe(VALUES.named)
  const { warnings } = await setSecret('NEW', 'a new value', options)
  expect(warnings.join()).toContain('remembered from now on')
  expect(Buffer.from(await getSecret('NEW', options)).toString()).toBe('a new value')
  expect(JSON.parse(await readFile(secretsFile, 'utf8')).version).toBe(1)
})

it('builds, with and without the pins that version 0.1 printed', async () => {
  const { root, pins } = await copy()
  expect(await build(root)).toEqual(VALUES)
  expect(await build(root, { pin: pins })).toEqual(VALUES)
})

it('can be rotated, and everything can still be decrypted', async () => {
  const { root, secretsFile } = await copy()
  const rotated = await rotateSecrets({ secretsFile, aws: aws(), paths: [join(root, 'src')] })
  expect(rotated).toMatchObject({ finished: false, entries: 2 })
  expect(rotated.sources).toHaveLength(1)
  expect(await build(root, { pin: rotated.pin })).toEqual(VALUES)
  const file = JSON.parse(await readFile(secretsFile, 'utf8'))
  expect(file.version).toBe(1)
  expect(Object.keys(file.dataKeyPairs)).toHaveLength(3)
})
