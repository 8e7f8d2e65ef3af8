import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import kms from '../../src/bundlers/esbuild.js'
import { workspace } from './cli.js'

const VALUE = 'correct horse battery staple'
const hasNamespaces = spawnSync('unshare', ['-rn', 'true']).status === 0
/** Not even a loopback address, and no variable with an AWS endpoint. */
const withoutNetwork = {
  wrapper: ['unshare', '-rn'],
  env: { AWS_EC2_METADATA_DISABLED: undefined },
}

let local: LocalKms
let key: string
beforeAll(async () => {
  local = await startLocalKms()
  key = (await local.createKey()).arn
})
afterAll(() => local.close())

const SOURCES = {
  'src/a.ts': `import { secret } from 'unplugin-kms/secret'\nexport const a = secret('${VALUE}')\nexport const b = secret.named('B')\n`,
  '.env': 'B=value-of-b\nC=value-of-c\n',
}

async function initialised() {
  const space = await workspace(SOURCES)
  expect(await space.cli(['init', '--key', key], { env: local.env })).toMatchObject({ code: 0 })
  return space
}

const bundle = (folder: string) =>
  build({
    entryPoints: [join(folder, 'src/a.ts')],
    outdir: join(folder, 'dist'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: true,
    logLevel: 'silent',
    plugins: [kms({ secretsFile: join(folder, 'kms-secrets.json'), env: {} })],
  })

describe.skipIf(!hasNamespaces)(
  'without network and AWS variables (needs unshare, to turn the network off)',
  () => {
    it('set, import, encrypt, list and sealed builds succeed; get exits with 3', async () => {
      const space = await initialised()
      const run = (args: string[], stdin = '') => space.cli(args, { ...withoutNetwork, stdin })
      expect(await run(['set', 'A'], VALUE)).toMatchObject({ code: 0 })
      expect(await run(['import', '.env'])).toMatchObject({ code: 0 })
      expect(await run(['encrypt', 'src'])).toMatchObject({ code: 0 })
      expect(await run(['list'])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^A .*\nB .*\nC /),
      })
      expect(await run(['build', 'src/a.ts', '--outdir', 'dist'])).toMatchObject({ code: 0 })
      expect(await readFile(space.path('dist/a.mjs'), 'utf8')).toMatch(/kms:v1:[^]*kms:v1:/)
      const got = await run(['get', 'A'])
      expect(got).toMatchObject({ code: 3, stdout: '' })
      expect(got.stderr).toMatch(/kms:Decrypt.*no AWS credentials.*Sign in/)
    })
  },
)

it('a role without kms:Decrypt can create pairs, seal and build everything', async () => {
  const role = local.createRole({ name: 'builder' })
  const Principal = { AWS: role.arn }
  const policy = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: local.admin.arn }, Action: 'kms:*', Resource: '*' },
      {
        Effect: 'Allow',
        Principal,
        Action: ['kms:GenerateDataKeyPairWithoutPlaintext', 'kms:Encrypt'],
        Resource: '*',
      },
      { Effect: 'Deny', Principal, Action: 'kms:Decrypt', Resource: '*' },
    ],
  }
  const { arn } = await local.createKey({ policy })
  const env = local.envFor(local.credentialsOf(role.arn))
  const space = await workspace(SOURCES)
  expect(await space.cli(['init', '--key', arn], { env })).toMatchObject({ code: 0 })
  expect(await space.cli(['import', '.env'], { env })).toMatchObject({ code: 0 })
  await bundle(space.folder)
  expect(await readFile(space.path('dist/a.js'), 'utf8')).toContain('kms:v1:')
  expect(await space.cli(['get', 'B'], { env })).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('KMS denies kms:Decrypt'),
  })
  expect(await space.cli(['get', 'B'], { env: local.env })).toMatchObject({ stdout: 'value-of-b' })
})
