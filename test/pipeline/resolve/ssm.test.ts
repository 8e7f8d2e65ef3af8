import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as esbuild from 'esbuild'
import { join } from 'node:path'
import kmsEsbuild from '../../../src/bundlers/esbuild.js'
import { project } from '../../support/project.js'
import { exportsOf } from '../../support/run.js'
import {
  IMPORT,
  opened,
  optionsFor,
  refused,
  startAccount,
  userWith,
  VALUE,
  type Account,
} from './sources.js'

let account: Account
beforeAll(async () => {
  account = await startAccount()
})
afterEach(() => account.kms.faults.clear())
afterAll(() => account.close())

const arnOf = (name: string) => `arn:aws:ssm:us-east-1:111122223333:parameter${name}`

describe('secret.ssm', () => {
  it('embeds a SecureString’s own ciphertext, which the build does not decrypt', async () => {
    await account.putParameter({ Name: '/pass/through' })
    const { credentials } = userWith(account.kms, 'reader', 'ssm:GetParameter')
    const options = optionsFor(account.kms, account.keyId, credentials)
    const { values, text, atBuild, atRun } = await opened(
      account,
      `export const a = secret.ssm('/pass/through')`,
      options,
    )
    expect(values).toEqual({ a: VALUE })
    expect(text).toContain(`"PARAMETER_ARN": "${arnOf('/pass/through')}"`)
    expect(text).not.toContain(VALUE)
    expect(atBuild).not.toContain('kms:Decrypt')
    expect(atRun).toEqual(['kms:Decrypt'])
    expect(account.kms.journal.at(-1)).toMatchObject({
      encryptionContext: { PARAMETER_ARN: arnOf('/pass/through') },
    })
  })

  it('accepts a version, and a parameter by its ARN', async () => {
    await account.putParameter({ Name: '/versions', Value: 'the-first-value' })
    await account.putParameter({ Name: '/versions', Value: 'the-second-value', Overwrite: true })
    const code = `export const first = secret.ssm('/versions:1'), last = secret.ssm('/versions'), byArn = secret.ssm('${arnOf('/versions')}:1')`
    const { values } = await opened(account, code, account.options)
    expect(values).toEqual({
      first: 'the-first-value',
      last: 'the-second-value',
      byArn: 'the-first-value',
    })
  })

  it('accepts a label, and rejects one that no version has', async () => {
    await account.putParameter({ Name: '/labels', Value: 'the-first-value' })
    await account.putParameter({ Name: '/labels', Value: 'the-second-value', Overwrite: true })
    await account.labelParameter('/labels', 1, 'live')
    const code = `export const live = secret.ssm('/labels:live')`
    expect((await opened(account, code, account.options)).values).toEqual({
      live: 'the-first-value',
    })
    expect(
      await refused(`secret.ssm('/labels:dead')`, account.options, 'SOURCE_NOT_FOUND'),
    ).toContain('/labels:dead')
  })

  it('returns bytes and JSON on request', async () => {
    await account.putParameter({ Name: '/json', Value: '{"user":"app"}' })
    const code = `export const json = secret.ssm('/json', { as: 'json' }), bytes = secret.ssm('/json', { as: 'bytes', decrypt: true })`
    const { values } = await opened(account, code, account.options)
    expect(values).toEqual({
      json: { user: 'app' },
      bytes: { bytes: Buffer.from('{"user":"app"}').toString('base64') },
    })
  })

  it('seals the value with decrypt, so that one kms:Decrypt decrypts all', async () => {
    await account.putParameter({ Name: '/sealed/a', Value: 'value-of-sealed-a' })
    await account.putParameter({ Name: '/sealed/b', Value: 'value-of-sealed-b', Type: 'String' })
    await account.putParameter({ Name: '/sealed/c', Value: 'x'.repeat(5000), Tier: 'Advanced' })
    const code = ['a', 'b', 'c']
      .map((name) => `export const ${name} = secret.ssm('/sealed/${name}', { decrypt: true })`)
      .join('\n')
    const { values, atRun } = await opened(account, code, account.options)
    expect(values).toEqual({ a: 'value-of-sealed-a', b: 'value-of-sealed-b', c: 'x'.repeat(5000) })
    expect(atRun).toEqual(['kms:Decrypt'])
  })

  it('uses the key or alias of the mark, and requires it if there are several', async () => {
    const { arn: other } = await account.kms.createKey({ alias: 'alias/other' })
    await account.putParameter({ Name: '/other', KeyId: other })
    const options = { ...account.options, keyId: [account.keyId, other] }
    const { values, text } = await opened(
      account,
      `export const a = secret.ssm('/other', { keyId: 'alias/other' })`,
      options,
    )
    expect(values).toEqual({ a: VALUE })
    expect(text).toContain(other)
    expect(text).not.toContain('alias/')
    expect(await refused(`secret.ssm('/other')`, options, 'KEY_MISSING')).toContain('keyId')
  })
})

describe('secret.ssm', () => {
  it('rejects a parameter of type String, because it is plaintext', async () => {
    await account.putParameter({ Name: '/plain', Type: 'String' })
    expect(await refused(`secret.ssm('/plain')`, account.options, 'SOURCE_UNSUITABLE')).toMatch(
      /type String.*decrypt: true/,
    )
  })

  it('rejects a parameter of the advanced tier, and says what to do', async () => {
    await account.putParameter({
      Name: '/advanced',
      Tier: 'Advanced',
      Value: VALUE + 'x'.repeat(5000),
    })
    expect(await refused(`secret.ssm('/advanced')`, account.options, 'SOURCE_UNSUITABLE')).toMatch(
      /advanced tier.*decrypt: true/,
    )
  })

  it('reports a name or version that does not exist, with the identity of the caller', async () => {
    await account.putParameter({ Name: '/one-version' })
    for (const name of ['/nowhere', '/one-version:9', '/one-version:label']) {
      expect(await refused(`secret.ssm('${name}')`, account.options, 'SOURCE_NOT_FOUND')).toContain(
        'user/admin',
      )
    }
  })

  it('reports a parameter that the identity may not read at the place of its mark', async () => {
    await account.putParameter({ Name: '/allowed/a' })
    await account.putParameter({ Name: '/forbidden/b' })
    const { credentials } = account.kms.createUser({
      name: 'half',
      policies: [
        {
          Version: '2012-10-17',
          Statement: [
            { Effect: 'Allow', Action: 'ssm:GetParameters', Resource: arnOf('/allowed/*') },
          ],
        },
      ],
    })
    const options = optionsFor(account.kms, account.keyId, credentials)
    const text = await refused(
      `secret.ssm('/allowed/a')\nexport const b = secret.ssm('/forbidden/b')`,
      options,
      'SOURCE_DENIED',
      '3:18',
    )
    expect(text).toContain('user/half')
    expect(text).toContain('/forbidden/b')
    expect(
      (await opened(account, `export const a = secret.ssm('/allowed/a')`, options)).values,
    ).toEqual({ a: VALUE })
  })

  it('rejects a decrypted value that is not JSON, if the mark requires JSON', async () => {
    await account.putParameter({ Name: '/no-json', Value: VALUE })
    await refused(
      `secret.ssm('/no-json', { decrypt: true, as: 'json' })`,
      account.options,
      'JSON_INVALID',
    )
  })

  it('rejects a truncated response, without showing the value', async () => {
    await account.putParameter({ Name: '/cut', Value: VALUE })
    account.kms.faults.add({ kind: 'body', body: 'truncated', operation: 'ssm:GetParameters' })
    await refused(`secret.ssm('/cut', { decrypt: true })`, account.options, 'SOURCE_FAILED')
  })
})

it('reads 300 parameters at 40 per second, and none again in a rebuild', async () => {
  const { kms } = account
  const names = Array.from({ length: 300 }, (_, index) => `/many/p${index}`)
  await Promise.all(names.map((Name) => account.putParameter({ Name, Value: `value-of${Name}` })))
  const files = Object.fromEntries(
    Array.from({ length: 30 }, (_, module) => [
      `src/m${module}.ts`,
      `${IMPORT}export default [${names
        .slice(module * 10, module * 10 + 10)
        .map((name) => `secret.ssm('${name}')`)
        .join(', ')}]`,
    ]),
  )
  const modules = Array.from({ length: 30 }, (_, module) => module)
  const main = `${modules.map((module) => `import m${module} from './m${module}'`).join('\n')}\nexport const count = [${modules.map((module) => `...m${module}`)}].length, first = m0[0], last = m29[9]`
  const root = await project({ ...files, 'src/main.ts': main })
  kms.faults.add({ kind: 'throttle', perSecond: 40, operation: 'ssm:GetParameters' })
  const context = await esbuild.context({
    entryPoints: [join(root, 'src/main.ts')],
    absWorkingDir: root,
    outfile: join(root, 'out/main.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
    plugins: [kmsEsbuild(account.options)],
  })
  const fetches = () => kms.journal.filter(({ service }) => service === 'ssm').length
  try {
    const before = fetches()
    const { warnings } = await context.rebuild()
    expect(warnings.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^300 secrets .*\[DIRECT_MANY\]/),
    ])
    const after = fetches()
    expect(after - before).toBeLessThan(100)
    await context.rebuild()
    expect(fetches()).toBe(after)
    expect(await exportsOf(join(root, 'out/main.mjs'), kms.env)).toEqual({
      count: 300,
      first: 'value-of/many/p0',
      last: 'value-of/many/p299',
    })
  } finally {
    await context.dispose()
  }
})
