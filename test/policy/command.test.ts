import { describe, expect, it } from 'vitest'
import { join } from 'node:path'
import { FORMATS } from '../../src/policy/format.js'
import { runtimePolicy } from '../../src/policy/runtime-policy.js'
import { documentOf } from '../../src/policy/statement.js'
import { workspace } from '../cli/cli.js'
import { KEY_ARN, project, secretsFile } from '../support/project.js'

const ROLE = 'arn:aws:iam::111122223333:role/orders'

describe('policy runtime', () => {
  it('prints the policy document of the secrets file, and nothing else on stdout', async () => {
    const { cli, path } = await workspace()
    await secretsFile(path('kms-secrets.json'), { DB_PASSWORD: 'correct horse' })
    const { code, stdout, stderr } = await cli(['policy', 'runtime'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual(
      documentOf(await runtimePolicy({ secretsFile: path('kms-secrets.json') })),
    )
    expect(stderr).toContain('--role ARN')
  })

  it("prints the key policy's part for a role", async () => {
    const { cli, path } = await workspace()
    await secretsFile(path('kms-secrets.json'), { DB_PASSWORD: 'correct horse' })
    const { stdout, stderr } = await cli(['policy', 'runtime', '--role', ROLE])
    expect(JSON.parse(stdout)).toMatchObject([
      { Effect: 'Allow', Principal: { AWS: ROLE }, Action: 'kms:Decrypt', Resource: '*' },
    ])
    expect(stderr).toContain(KEY_ARN)
  })

  it.each(['orders', 'arn:aws:sts::111122223333:assumed-role/orders/x', 'arn:aws:iam::1:role/a b'])(
    'rejects %s, which is not a role in a key policy',
    async (role) => {
      const { cli, path } = await workspace()
      await secretsFile(path('kms-secrets.json'), { DB_PASSWORD: 'correct horse' })
      const { code, stdout, stderr } = await cli(['policy', 'runtime', '--role', role])
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain('is not the ARN of a role')
    },
  )

  it('escapes control characters of a bundle in every format', async () => {
    const { cli } = await workspace()
    const args = ['policy', 'runtime', '--key', KEY_ARN, '--context', 'app=\u009b2J\u202e']
    for (const format of FORMATS) {
      const { stdout } = await cli([...args, '--format', format])
      expect(stdout).toContain(String.raw`"\u009b2J\u202e"`)
    }
  })

  it('exits with 2 without a bundle, a key and a secrets file', async () => {
    const { cli } = await workspace()
    const { code, stdout, stderr } = await cli(['policy', 'runtime'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('[SECRETS_FILE_MISSING]')
  })
})

describe('policy build', () => {
  it('reports that a build with only named secrets needs no permission', async () => {
    const { cli, path } = await workspace()
    await secretsFile(path('kms-secrets.json'), { DB_PASSWORD: 'correct horse' })
    const root = await project({
      'main.ts': `import { secret } from 'unplugin-kms/secret'\nexport default secret.named('DB_PASSWORD')\n`,
    })
    const { code, stdout, stderr } = await cli(['policy', 'build', join(root, 'main.ts')])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toContain('no permission is needed')
  })

  it('allows a build without a secrets file to create a pair, in Terraform too', async () => {
    const { cli } = await workspace()
    const root = await project({
      'main.ts': `import { secret } from 'unplugin-kms/secret'\nexport default secret.env('TOKEN')\n`,
    })
    const args = ['policy', 'build', join(root, 'main.ts'), '--key', KEY_ARN]
    const json = await cli([...args, '--context', 'app=orders'])
    expect(JSON.parse(json.stdout)).toMatchObject({
      Statement: [
        {
          Action: 'kms:GenerateDataKeyPairWithoutPlaintext',
          Resource: KEY_ARN,
          Condition: { StringEquals: { 'kms:EncryptionContext:app': 'orders' } },
        },
      ],
    })
    expect((await cli([...args, '--format', 'terraform'])).stdout).toContain(
      'data "aws_iam_policy_document"',
    )
  })

  it("prints the key policy's part for the build's role", async () => {
    const { cli } = await workspace()
    const root = await project({
      'main.ts': `import { secret } from 'unplugin-kms/secret'\nexport default secret.env('TOKEN')\n`,
    })
    const args = ['policy', 'build', join(root, 'main.ts'), '--key', KEY_ARN, '--role', ROLE]
    const { stdout, stderr } = await cli(args)
    expect(JSON.parse(stdout)).toMatchObject([
      {
        Principal: { AWS: ROLE },
        Action: 'kms:GenerateDataKeyPairWithoutPlaintext',
        Resource: '*',
      },
    ])
    expect(stderr).toContain(`add to the policy of ${KEY_ARN}`)
  })

  it('rejects an unknown kind of policy', async () => {
    const { cli } = await workspace()
    expect((await cli(['policy', 'everything'])).code).toBe(2)
  })
})
