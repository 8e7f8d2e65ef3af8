import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { workspace, type Workspace } from '../cli/cli.js'
import { filesIn } from '../support/project.js'
import { allow, document } from './policies.js'

let kms: LocalKms
let shop: Workspace
let role: string
beforeAll(async () => {
  kms = await startLocalKms()
  const { arn } = await kms.createKey({ alias: 'alias/orders' })
  role = kms.createRole({
    name: 'orders',
    policies: [document(allow('kms:Decrypt', arn))],
    attachedPolicies: { more: document(allow('s3:*', '*')) },
    permissionsBoundary: document(allow('*', '*')),
  }).arn
  const vpc = { vpcId: 'vpc-1', subnetIds: ['subnet-1'] }
  kms.createNetwork({ vpcId: vpc.vpcId, routeTables: [{ main: true, routes: {} }] })
  kms.createFunction({ name: 'orders', role, vpc })
  shop = await workspace({
    'src/main.ts': `import { secret } from 'unplugin-kms/secret'
export const password = secret.named('DB_PASSWORD')
export const token = secret.env('TOKEN')
`,
  })
  const done = { env: { ...kms.env, TOKEN: 'token-0123456789' } }
  for (const [args, stdin] of [
    [['init', '--key', 'alias/orders', '--context', 'app=orders'], ''],
    [['set', 'DB_PASSWORD'], 'correct horse battery'],
    [['build', 'src/main.ts', '--outdir', 'dist'], ''],
  ] as const)
    expect(await shop.cli([...args], { ...done, stdin })).toMatchObject({ code: 0 })
})
afterAll(() => kms.close())

/** Every file that a command could write: of the project, of the user's state and home. */
async function everything() {
  const base = join(shop.folder, '..')
  const files = await filesIn(base)
  const names = Object.keys(files).sort()
  const times = await Promise.all(names.map(async (name) => (await stat(join(base, name))).mtimeMs))
  return { files, times }
}

const COMMANDS: [command: string, code: number][] = [
  ['doctor', 0],
  ['doctor --decrypt', 0],
  ['doctor --function orders --decrypt --key alias/orders --json', 1],
  ['doctor dist --role ROLE', 0],
  ['doctor dist --decrypt --role ROLE', 0],
  ['inspect dist', 0],
  ['inspect dist --file kms-secrets.json --json', 0],
  ['policy runtime', 0],
  ['policy runtime dist --role ROLE', 0],
  ['policy build src --key alias/orders', 0],
  ['policy build src --key alias/orders --role ROLE', 0],
]

describe('doctor changes nothing in AWS or in files:', () => {
  it.each(COMMANDS)('%s', async (command, code) => {
    const before = await everything()
    const calls = kms.journal.length
    const ran = await shop.cli(command.replace('ROLE', role).split(' '), { env: kms.env })
    expect(ran).toMatchObject({ code })
    expect(await everything()).toEqual(before)
    const asked = kms.journal.slice(calls).filter(({ outcome }) => outcome !== DRY)
    const isMeant = /--decrypt/.test(command) ? READS_AND_DECRYPT : READS
    expect(asked.filter(({ operation }) => !isMeant.test(operation))).toEqual([])
    expect(ran.stdout + ran.stderr).not.toContain('correct horse')
  })
})

/** What a dry run ends as: never a success. */
const DRY = 'DryRunOperationException'
const READS = /^(?:Get|List|Describe|Simulate)/
const READS_AND_DECRYPT = /^(?:Get|List|Describe|Simulate|Decrypt$)/
