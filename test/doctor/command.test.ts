import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { workspace, type Workspace } from '../cli/cli.js'
import { allow, deny, document } from './policies.js'

const VALUE = 'hunter2-of-the-orders'
let kms: LocalKms
let shop: Workspace
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey({ alias: 'alias/app' })).arn
  const policies = [document(allow('kms:Decrypt', key))]
  kms.createFunction({ name: 'orders', role: kms.createRole({ name: 'orders', policies }).arn })
  kms.createFunction({ name: 'forgotten', role: kms.createRole({ name: 'forgotten' }).arn })
  shop = await workspace({ 'broken/kms-secrets.json': '{' })
  await run('init', '--key', 'alias/app', '--context', 'app=orders')
  const set = await shop.cli(['set', 'DB_PASSWORD'], { env: kms.env, stdin: VALUE })
  expect(set.code).toBe(0)
})
afterAll(() => kms.close())

const run = (...args: string[]) => shop.cli(args, { env: kms.env })

describe('unplugin-kms doctor', () => {
  it('prints one line per check, and exits with 0 without findings', async () => {
    const { code, stdout, stderr } = await run('doctor', '--function', 'orders', '--decrypt')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ok +access: \S+role\/orders may decrypt with /m)
    expect(stdout).toMatch(/^ok +entries: entries that can be decrypted: 1 of 1$/m)
    expect(stderr).toContain('nothing wrong found')
    expect(stdout + stderr).not.toContain(VALUE)
  })

  it('prints findings first, with the statement to add, and exits with 1', async () => {
    const { code, stdout } = await run('doctor', '--function', 'forgotten')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^WRONG +role-action: no policy of \S+role\/forgotten allows/)
    const [, statement] = /add to the policies of the role:\n([^]*?\n +\])\n/.exec(stdout)!
    expect(JSON.parse(statement!)).toMatchObject([
      {
        Action: 'kms:Decrypt',
        Resource: key,
        Condition: { StringEquals: { 'kms:EncryptionContext:app': 'orders' } },
      },
    ])
  })

  it('prints JSON for programs', async () => {
    const { stdout } = await run(
      'doctor',
      '--role',
      `arn:aws:iam::${kms.accountId}:role/orders`,
      '--json',
    )
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'fine',
      checks: expect.arrayContaining([expect.objectContaining({ id: 'access', status: 'ok' })]),
    })
  })

  it('checks the given keys and context without a secrets file', async () => {
    const bare = await workspace({})
    const named = ['--key', 'alias/app', '--context', 'app=orders']
    const asked = (...args: string[]) =>
      bare.cli(['doctor', ...named, '--function', 'orders', ...args], { env: kms.env })
    const { code, stdout } = await asked()
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^ok +access: /m)])
    expect((await asked('--file', 'none.json')).stderr).toContain('SECRETS_FILE_MISSING')
  })

  it('escapes control characters of files and accounts', async () => {
    const bare = await workspace({})
    const args = ['doctor', '--key', key, '--context', 'app=\u009b2J\u202e', '--role']
    for (const [name, code, more] of [
      ['orders', 0, []],
      ['forgotten', 1, []],
      ['forgotten', 1, ['--json']],
    ] as const) {
      const role = `arn:aws:iam::${kms.accountId}:role/${name}`
      const ran = await bare.cli([...args, role, ...more], { env: kms.env })
      const said = expect.stringContaining(String.raw`\u009b2J\u202e`)
      expect([ran.code, ran.stdout]).toEqual([code, said])
      expect(ran.stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    }
  })

  it.each([
    ['--function orders', 'lambda:GetFunctionConfiguration'],
    ['--decrypt', 'kms:Decrypt'],
  ])('exits with 3 if AWS denies what %s needs', async (asked, action) => {
    const policies = [document(allow('*', '*'), deny(action, '*'))]
    const { credentials } = kms.createUser({ name: `no-${action.replace(':', '-')}`, policies })
    const { code, stdout } = await shop.cli(['doctor', ...asked.split(' ')], {
      env: kms.envFor(credentials),
    })
    expect([code, stdout]).toEqual([3, expect.stringMatching(/^\? +(function|pair): /m)])
  })

  it('exits with 4 for a malformed file, 3 without AWS, and 2 for an invalid role', async () => {
    const broken = await run('doctor', '--file', 'broken/kms-secrets.json')
    expect([broken.code, broken.stdout]).toEqual([4, expect.stringMatching(/^WRONG +file:/)])
    const nowhere = { ...kms.env, AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:1' }
    const env = { ...nowhere, AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1' }
    expect((await shop.cli(['doctor'], { env })).code).toBe(3)
    const wrong = await run('doctor', '--role', 'orders')
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('aws iam get-role')])
  })
})
