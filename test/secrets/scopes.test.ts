import fc from 'fast-check'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { diagnose } from '../../src/index.js'
import { inspect } from '../../src/inspect/inspect.js'
import { decryptRequestsOfFile } from '../../src/policy/decrypt-requests.js'
import { decryptStatements, runtimePolicy } from '../../src/policy/runtime-policy.js'
import { documentOf } from '../../src/policy/statement.js'
import { existingSecretsFile } from '../../src/secrets-file/locate.js'
import { mergeSecretsFiles } from '../../src/secrets-file/merge.js'
import { parseSecretsFile } from '../../src/secrets-file/parse.js'
import { getSecret } from '../../src/secrets/get.js'
import { initSecretsFile } from '../../src/secrets/init.js'
import { listSecrets } from '../../src/secrets/list.js'
import { prunePairs } from '../../src/secrets/prune.js'
import { renameSecret } from '../../src/secrets/rename.js'
import { rewrapSecrets } from '../../src/secrets/rewrap.js'
import { rotateSecrets } from '../../src/secrets/rotate.js'
import { sealToken } from '../../src/secrets/seal-token.js'
import { setSecret } from '../../src/secrets/set.js'
import { BUNDLERS } from '../support/bundle.js'
import { project } from '../support/project.js'
import { exportsOf } from '../support/run.js'

let kms: LocalKms
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
})
afterAll(() => kms.close())
beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))
afterEach(() => void vi.unstubAllEnvs())

const aws = (credentials = kms.admin.credentials) => ({
  endpoint: kms.url,
  region: kms.region,
  credentials,
})
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const read = (name: string) =>
  `import { secret } from 'unplugin-kms/secret'\nexport const value = secret.named('${name}')\n`

/** A project with the scopes default and billing, and an entry in each. */
async function shop() {
  const root = await project({
    'package.json': '{}',
    'src/web.ts': read('DB_PASSWORD'),
    'src/billing.ts': read('STRIPE_KEY'),
    'src/main.ts': `export * from './web.js'\nexport { value as stripe } from './billing.js'\n`,
  })
  const secretsFile = join(root, 'kms-secrets.json')
  const options = { secretsFile, aws: aws() }
  const init = { ...options, keyIds: [key], types: false }
  const main = await initSecretsFile({ ...init, encryptionContext: { app: 'shop' } })
  const billing = await initSecretsFile({
    ...init,
    scope: 'billing',
    encryptionContext: { app: 'shop', scope: 'billing' },
  })
  await setSecret('DB_PASSWORD', 'of the web', options)
  await setSecret('STRIPE_KEY', 'of billing', { ...options, scope: 'billing' })
  return { root, secretsFile, options, main, billing }
}

const build = (root: string, entry: string, options: object = {}) =>
  BUNDLERS[0]!.bundle({ root, entries: [`src/${entry}.ts`], options })
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'succeeded',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )

describe('a secrets file with scopes', () => {
  it('has version 2, and version 1 again without them', async () => {
    const { secretsFile, options } = await shop()
    const json = JSON.parse(await readFile(secretsFile, 'utf8'))
    expect(json).toMatchObject({
      version: 2,
      encryptionContext: { app: 'shop' },
      scopes: { billing: { encryptionContext: { app: 'shop', scope: 'billing' } } },
    })
    expect(await listSecrets(options)).toMatchObject([
      { name: 'DB_PASSWORD', stale: false },
      { name: 'STRIPE_KEY', stale: false, scope: 'billing' },
    ])
    for (const change of [{ version: 1 }, { version: 2, scopes: undefined }]) {
      const other = JSON.stringify({ ...json, ...change })
      expect(() => parseSecretsFile(other, 'f')).toThrow('SECRETS_FILE_INVALID')
    }
  })

  it('may have no default scope, and then needs none named if there is one only', async () => {
    const root = await project({ 'package.json': '{}', 'src/main.ts': read('A') })
    const options = { secretsFile: join(root, 'kms-secrets.json'), aws: aws() }
    const init = { ...options, keyIds: [key], types: false }
    await initSecretsFile({ ...init, scope: 'web', encryptionContext: { scope: 'web' } })
    expect((await setSecret('A', 'a', options)).result.scope).toBe('web')
    await initSecretsFile({ ...init, scope: 'other', encryptionContext: { scope: 'other' } })
    expect(await codeOf(setSecret('B', 'b', options))).toBe('SCOPE_UNKNOWN')
    expect(await codeOf(setSecret('B', 'b', { ...options, scope: 'none' }))).toBe('SCOPE_UNKNOWN')
    const { outputs } = await build(root, 'main')
    expect(await exportsOf(outputs[0]!, kms.env)).toEqual({ value: 'a' })
  })

  it('keeps an entry in its scope when it is renamed, rotated, or sealed elsewhere', async () => {
    const { secretsFile, options } = await shop()
    await renameSecret('STRIPE_KEY', 'STRIPE', options)
    const rotated = await rotateSecrets({ ...options, scope: 'billing' })
    expect(rotated).toMatchObject({ entries: 1, scopes: [{ scope: 'billing' }] })
    expect((await rotateSecrets(options)).scopes).toHaveLength(2)
    expect(await listSecrets(options)).toMatchObject([
      { name: 'DB_PASSWORD', stale: false },
      { name: 'STRIPE', stale: false, scope: 'billing' },
    ])
    expect(text(await getSecret('STRIPE', options))).toBe('of billing')
    const token = await sealToken('sealed by a service', {
      secretsFile: await readFile(secretsFile, 'utf8'),
      name: 'STRIPE',
      scope: 'billing',
    })
    const json = JSON.parse(await readFile(secretsFile, 'utf8'))
    json.secrets.STRIPE = token
    await writeFile(secretsFile, JSON.stringify(json))
    expect(text(await getSecret('STRIPE', options))).toBe('sealed by a service')
    const pruned = await prunePairs({ ...options, paths: [], branches: false })
    expect(pruned.result.dropped).toHaveLength(3)
  })

  it('rewraps one scope with another context', async () => {
    const { options } = await shop()
    await rewrapSecrets({ ...options, scope: 'billing', encryptionContext: { scope: 'money' } })
    const { current } = await existingSecretsFile(options)
    expect(current.get('billing')!.encryptionContext).toEqual({ scope: 'money' })
    expect(current.get('default')!.encryptionContext).toEqual({ app: 'shop' })
    expect(text(await getSecret('STRIPE_KEY', options))).toBe('of billing')
  })

  it('merges entries and scopes of two branches', async () => {
    const { secretsFile, options } = await shop()
    const base = await readFile(secretsFile, 'utf8')
    await setSecret('OURS', 'ours', { ...options, scope: 'billing' })
    await rotateSecrets({ ...options, scope: 'billing' })
    const ours = await readFile(secretsFile, 'utf8')
    await writeFile(secretsFile, base)
    const trust = { ...options, trust: true }
    await initSecretsFile({
      ...trust,
      keyIds: [key],
      scope: 'mail',
      encryptionContext: { scope: 'mail' },
    })
    await setSecret('SMTP', 'theirs', { ...trust, scope: 'mail' })
    const theirs = await readFile(secretsFile, 'utf8')
    const { text: merged, conflicts } = mergeSecretsFiles(base, ours, theirs, secretsFile)
    expect(conflicts).toEqual([])
    await writeFile(secretsFile, merged)
    expect([...(await existingSecretsFile(options)).current.keys()].sort()).toEqual([
      'billing',
      'default',
      'mail',
    ])
    for (const [name, value] of [
      ['OURS', 'ours'],
      ['SMTP', 'theirs'],
      ['STRIPE_KEY', 'of billing'],
    ])
      expect(text(await getSecret(name!, options))).toBe(value)
  })

  it('can be compared with a bundle by doctor and inspect', async () => {
    const { root, secretsFile, options } = await shop()
    const { outputs } = await build(root, 'billing')
    const before = await inspect([outputs[0]!], { secretsFile })
    expect(before.secretsFile).toMatchObject({ agrees: true })
    await rotateSecrets({ ...options, scope: 'billing' })
    const after = await inspect([outputs[0]!], { secretsFile })
    expect(after.secretsFile).toMatchObject({ agrees: false, stale: ['STRIPE_KEY'] })
    const { checks } = await diagnose({ ...options, decrypt: true })
    expect(checks.find(({ id }) => id === 'file')!.says).toContain('scopes: billing, default')
    expect(checks.filter(({ status }) => status === 'found')).toEqual([])
  })
})

describe('a bundle of one scope', () => {
  it('contains only the pairs that it uses, and its policy names only their contexts', async () => {
    const { root, main, billing } = await shop()
    const { outputs } = await build(root, 'billing')
    const bundle = await readFile(outputs[0]!, 'utf8')
    expect(bundle).toContain(billing.fingerprint)
    expect(bundle).not.toContain(main.fingerprint)
    const [statement, ...others] = await runtimePolicy({ bundles: [outputs[0]!] })
    expect(others).toEqual([])
    expect(JSON.stringify(statement!.Condition)).toContain(
      '"kms:EncryptionContext:scope":"billing"',
    )
  })

  it('rejects a mark of another scope at its place', async () => {
    const { root } = await shop()
    expect(await codeOf(build(root, 'billing', { scopes: ['billing'] }))).toBe('succeeded')
    const message = await codeOf(build(root, 'main', { scopes: ['billing'] }))
    expect(message).toContain('src/web.ts:2:')
    expect(message).toMatch(/DB_PASSWORD belongs to the scope default.*only billing/)
    expect(message).toContain('[SCOPE_FORBIDDEN]')
    expect(await codeOf(build(root, 'main', { scopes: ['billing', 'default'] }))).toBe('succeeded')
    expect(await codeOf(build(root, 'main', { scopes: ['none'] }))).toContain('[SCOPE_UNKNOWN]')
  })

  it('rejects a sealed literal of another scope', async () => {
    const { root, secretsFile } = await shop()
    const token = await sealToken('a literal', { secretsFile: await readFile(secretsFile, 'utf8') })
    await writeFile(
      join(root, 'src/main.ts'),
      `import { secret } from 'unplugin-kms/secret'\nexport const value = secret('${token}')\n`,
    )
    const message = await codeOf(build(root, 'main', { scopes: ['billing'] }))
    expect(message).toContain('src/main.ts:2:')
    expect(message).toContain('[SCOPE_FORBIDDEN]')
  })

  it('seals its own values to the first scope of the option', async () => {
    const { root, main, billing } = await shop()
    await writeFile(
      join(root, 'src/main.ts'),
      `import { secret } from 'unplugin-kms/secret'\nexport const value = secret.env('TOKEN')\n`,
    )
    const env = { TOKEN: 'the token of the environment' }
    const { outputs } = await build(root, 'main', { env, scopes: ['billing'] })
    const bundle = await readFile(outputs[0]!, 'utf8')
    expect(bundle).toContain(billing.fingerprint)
    expect(bundle).not.toContain(main.fingerprint)
    expect(await exportsOf(outputs[0]!, kms.env)).toEqual({ value: env.TOKEN })
  })
})

describe('a role', () => {
  const SCOPES = ['default', 'billing', 'mail', 'web']

  it('can decrypt an entry if and only if its policy allows the scope of the entry', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'unplugin-kms-scopes-'))
    const options = { secretsFile: join(folder, 'kms-secrets.json'), aws: aws() }
    const contexts = { default: {}, billing: { scope: 'billing' } }
    for (const scope of SCOPES)
      await initSecretsFile({
        ...options,
        keyIds: [key],
        types: false,
        scope,
        encryptionContext:
          scope in contexts ? contexts[scope as 'billing'] : { scope, app: 'shop' },
      })
    let runs = 0
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(SCOPES),
        fc.array(fc.constantFrom(...SCOPES), { minLength: 1, maxLength: 4 }),
        fc.option(fc.constantFrom(...SCOPES)),
        async (granted, entries, rotated) => {
          const run = (runs += 1)
          await Promise.all(
            entries.map((scope, at) =>
              setSecret(`E${run}_${at}`, `value ${at}`, { ...options, scope }),
            ),
          )
          if (rotated) await rotateSecrets({ ...options, scope: rotated })
          const file = await existingSecretsFile(options)
          const calls = decryptRequestsOfFile(file, granted)
          const role = kms.createRole({
            name: `reader-${run}`,
            policies: calls.length ? [documentOf(decryptStatements(calls))] : [],
          })
          const reader = { ...options, aws: aws(kms.credentialsOf(role.arn)) }
          for (const [at, scope] of entries.entries()) {
            const opened = await codeOf(getSecret(`E${run}_${at}`, reader))
            expect(opened).toBe(granted.includes(scope) ? 'succeeded' : 'KMS_DENIED')
          }
        },
      ),
      { numRuns: 12 },
    )
    await rm(folder, { recursive: true })
  })
})
