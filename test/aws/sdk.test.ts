import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { project } from '../support/project.js'

const CLI = join(import.meta.dirname, '../../dist/cli/index.js')
// Modules that were loaded by import() are also in the cache, if they are CommonJS.
const HOOK = `process.on('exit', () => process.stderr.write('LOADED ' + Object.keys(require.cache).join(' ')))`

let kms: LocalKms
let keyId: string
beforeAll(async () => {
  kms = await startLocalKms()
  keyId = (await kms.createKey()).arn
})
afterAll(() => kms.close())

/** Runs a command, and returns the AWS clients that it loaded. */
async function clientsOf(args: string[], files: Record<string, string>, env: object = {}) {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...rest } = kms.env
  const root = await project({
    'hook.cjs': HOOK,
    'package.json': '{}',
    'main.mjs': `import { secret } from 'unplugin-kms/secret'\nexport default secret.env('API_KEY')\n`,
    credentials: `[default]\naws_access_key_id=${AWS_ACCESS_KEY_ID}\naws_secret_access_key=${AWS_SECRET_ACCESS_KEY}\n`,
    ...files,
  })
  const { stderr } = await promisify(execFile)(
    process.execPath,
    ['--require', join(root, 'hook.cjs'), CLI, ...args],
    {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        HOME: root,
        API_KEY: 'value-of-the-variable',
        AWS_SHARED_CREDENTIALS_FILE: join(root, 'credentials'),
        AWS_EC2_METADATA_DISABLED: 'true',
        ...rest,
        ...env,
      },
    },
  )
  const [, loaded = ''] = /LOADED (.*)/s.exec(stderr) ?? []
  const clients = [...loaded.matchAll(/@aws-sdk\/(client-[a-z-]+)\//g)].map(([, name]) => name)
  return { root, clients: [...new Set(clients)], loaded }
}

it('loads the client of KMS alone for a build with the keys of a profile', async () => {
  const args = ['build', 'main.mjs', '--outdir', 'out', '--key', keyId]
  const { clients } = await clientsOf(args, {})
  expect(clients).toEqual(['client-kms'])
})

it('loads the client of STS where a profile assumes a role', async () => {
  const allow = { Effect: 'Allow', Action: 'kms:GenerateDataKey*', Resource: keyId }
  const policies = [{ Version: '2012-10-17', Statement: [allow] }]
  const role = kms.createRole({ name: 'builder', policies })
  const config = `[profile builder]\nrole_arn=${role.arn}\nsource_profile=default\nregion=${kms.region}\n`
  const args = ['build', 'main.mjs', '--outdir', 'out', '--key', keyId, '--profile', 'builder']
  const { clients } = await clientsOf(args, { config }, { AWS_CONFIG_FILE: 'config' })
  expect(clients.sort()).toEqual(['client-kms', 'client-sts'])
})

it('loads no AWS client for a build that seals to the pair of a secrets file', async () => {
  const init = ['init', '--key', keyId, '--no-types']
  const { root } = await clientsOf(init, {})
  const args = ['build', 'main.mjs', '--outdir', 'out', '--file', join(root, 'kms-secrets.json')]
  const { clients, loaded } = await clientsOf(args, {})
  expect(clients).toEqual([])
  expect(loaded).not.toMatch(/@aws-sdk|@smithy|@hpke|mlkem/)
})
