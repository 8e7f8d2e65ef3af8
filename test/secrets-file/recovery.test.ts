import { generateIdentity, identityToRecipient } from 'age-encryption'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { getSecret } from '../../src/secrets/get.js'
import { initSecretsFile } from '../../src/secrets/init.js'
import { listKeys } from '../../src/secrets/keys.js'
import { rewrapSecrets } from '../../src/secrets/rewrap.js'
import { rotateSecrets } from '../../src/secrets/rotate.js'
import { setSecret } from '../../src/secrets/set.js'
import { BUNDLERS } from '../support/bundle.js'
import { project } from '../support/project.js'

let kms: LocalKms
let key: string
let identity: string
let recipient: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
  identity = await generateIdentity()
  recipient = await identityToRecipient(identity)
})
afterAll(() => kms.close())
beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))
afterEach(() => void vi.unstubAllEnvs())

const aws = () => ({ endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials })
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'succeeded',
    (error: { code?: string }) => error.code ?? String(error),
  )

/** A project with a recovery recipient, or without, and what opens its file offline. */
async function shop(recovery: string[] = [recipient]) {
  const root = await project({
    'src/main.ts': `import { secret } from 'unplugin-kms/secret'\nexport const a = secret.named('A')\n`,
    'key.txt': `# created by age-keygen\n# public key: ${recipient}\n${identity}\n`,
  })
  const secretsFile = join(root, 'kms-secrets.json')
  const options = { secretsFile, aws: aws() }
  await initSecretsFile({ ...options, keyIds: [key], types: false, recovery })
  await setSecret('A', 'the value of A', options)
  const offline = { secretsFile, recovery: join(root, 'key.txt') }
  return { root, secretsFile, options, offline }
}

it('decrypts with the identity file, and calls no AWS service', async () => {
  const { options, offline, secretsFile } = await shop()
  const before = kms.journal.length
  expect(text(await getSecret('A', offline))).toBe('the value of A')
  expect(kms.journal).toHaveLength(before)
  expect(text(await getSecret('A', options))).toBe('the value of A')
  expect(JSON.parse(await readFile(secretsFile, 'utf8')).version).toBe(2)
})

it('is added to a file that exists, and removed from it', async () => {
  const { options, offline, secretsFile } = await shop([])
  expect(JSON.parse(await readFile(secretsFile, 'utf8')).version).toBe(1)
  expect(await codeOf(getSecret('A', offline))).toBe('RECOVERY_FAILED')
  await rewrapSecrets({ ...options, recovery: [recipient] })
  expect(text(await getSecret('A', offline))).toBe('the value of A')
  await rewrapSecrets({ ...options, recovery: [] })
  expect(JSON.parse(await readFile(secretsFile, 'utf8')).version).toBe(1)
})

it('stays with a rotation, a new key and a new context', async () => {
  const { options, offline } = await shop()
  await rotateSecrets(options)
  await rewrapSecrets({ ...options, encryptionContext: { app: 'new' } })
  expect(text(await getSecret('A', offline))).toBe('the value of A')
})

it('is shown by listKeys, and covered by the pin', async () => {
  const { options } = await shop()
  const before = await listKeys(options)
  expect(before.dataKeyPairs[0]!.recovery).toEqual([recipient])
  await rewrapSecrets({ ...options, recovery: [] })
  expect((await listKeys(options)).pin).not.toBe(before.pin)
})

it('that a pull request added is rejected, and gets no new private key', async () => {
  const { options, secretsFile } = await shop()
  const foreign = await identityToRecipient(await generateIdentity())
  const json = JSON.parse(await readFile(secretsFile, 'utf8'))
  const [pair] = Object.values<any>(json.dataKeyPairs)
  pair.recovery.push({ ...pair.recovery[0], recipient: foreign })
  await writeFile(secretsFile, JSON.stringify(json))
  expect(await codeOf(setSecret('B', 'b', options))).toBe('PIN_MISMATCH')
  // A machine that trusted nothing yet: whether a recipient could decrypt before is unknown.
  vi.stubEnv('XDG_STATE_HOME', await project({}))
  expect(await codeOf(rotateSecrets(options))).toBe('PIN_MISMATCH')
  await rotateSecrets({ ...options, recovery: [recipient] })
  const after = JSON.parse(await readFile(secretsFile, 'utf8'))
  expect(JSON.stringify(after.dataKeyPairs[after.current])).not.toContain(foreign)
})

it('is not in a bundle', async () => {
  const { root, secretsFile } = await shop()
  const { outputs } = await BUNDLERS[0]!.bundle({ root })
  const bundle = await readFile(outputs[0]!, 'utf8')
  const json = JSON.parse(await readFile(secretsFile, 'utf8'))
  expect(bundle).toContain(json.current)
  expect(bundle).not.toContain(recipient)
  expect(bundle).not.toContain(json.dataKeyPairs[json.current].recovery[0].ciphertext)
})

it('of another key, or malformed, is reported without showing the identity', async () => {
  const { root, offline, options } = await shop()
  const other = join(root, 'other.txt')
  const otherIdentity = await generateIdentity()
  for (const content of [otherIdentity, `${otherIdentity}x`, '', 'AGE-SECRET-KEY-1']) {
    await writeFile(other, content)
    const error = await getSecret('A', { ...offline, recovery: other }).catch(
      (cause: Error) => cause,
    )
    expect(error).toMatchObject({ code: 'RECOVERY_FAILED' })
    expect((error as Error).message).not.toContain(otherIdentity)
  }
  for (const bad of ['age1', 'age1qqqq', 'ssh-ed25519 AAAA', identity])
    expect(await codeOf(rewrapSecrets({ ...options, recovery: [bad] }))).toBe('ARGUMENT_INVALID')
})
