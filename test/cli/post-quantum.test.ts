import { readFile, writeFile } from 'node:fs/promises'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { workspace, type Workspace } from './cli.js'

const REQUIREMENT = 'opens on Node.js 24.7 and later (the Lambda runtime nodejs24.x) only'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
  await kms.createKey({ alias: 'alias/app' })
})
afterAll(() => kms.close())

async function newProject(...options: string[]) {
  const at = await workspace()
  Object.assign(at.env, kms.env)
  const made = await ran(at, 'init', '--key', 'alias/app', '--no-types', ...options)
  return { at, made }
}

async function ran(at: Workspace, ...args: string[]) {
  const result = await at.cli(args, { stdin: 'a value of nobody' })
  if (result.code !== 0) throw new Error(result.stderr)
  return result.stdout
}

it('init and rotate print what an ML-KEM pair requires, and only of such a pair', async () => {
  expect((await newProject('--post-quantum')).made).toContain(REQUIREMENT)
  const { at, made } = await newProject()
  expect(made).not.toContain('24.7')
  expect(await ran(at, 'rotate')).not.toContain('24.7')
  expect(await ran(at, 'rotate', '--post-quantum')).toContain(REQUIREMENT)
  expect(await ran(at, 'rotate', '--no-post-quantum')).not.toContain('24.7')
})

it('list --keys prints the suite of ML-KEM pairs', async () => {
  const { at } = await newProject()
  expect(await ran(at, 'list', '--keys')).not.toContain('ML-KEM')
  await ran(at, 'rotate', '--post-quantum')
  const lines = (await ran(at, 'list', '--keys')).split('\n')
  expect(lines.filter((line) => line.startsWith('data key pair'))).toHaveLength(2)
  const suites = lines.filter((line) => line.includes('ML-KEM'))
  expect(suites).toEqual(['  ML-KEM-1024: opens on Node.js 24.7 and later'])
  const { dataKeyPairs } = JSON.parse(await ran(at, 'list', '--keys', '--json'))
  expect(dataKeyPairs.map(({ suite }: { suite?: string }) => suite).sort()).toEqual([
    'ML-KEM-1024',
    undefined,
  ])
})

it('inspect prints the suite of each secret, and the report of a bundle contains it', async () => {
  const { at } = await newProject('--post-quantum')
  await ran(at, 'set', 'DB')
  await writeFile(
    at.path('main.mjs'),
    `import { secret } from 'unplugin-kms/secret'\nexport const handler = () => secret.named('DB')\n`,
  )
  const build = ['build', 'main.mjs', '--outdir', 'out', '--runtime']
  const rejected = await at.cli([...build, 'nodejs22.x'])
  expect(rejected).toMatchObject({ code: 4, stderr: expect.stringContaining('TARGET_UNSUPPORTED') })
  await ran(at, ...build, 'nodejs24.x')
  const [head, line] = (await ran(at, 'inspect', 'out')).split('\n').map((row) => row.split('\t'))
  expect([head!.at(-1), line!.at(-1)]).toEqual(['SUITE', 'ML-KEM-1024'])
  await ran(at, 'inspect', 'out', '--html', 'report.html')
  expect(await readFile(at.path('report.html'), 'utf8')).toContain('<div>ML-KEM-1024</div>')
  const { secrets } = JSON.parse(await ran(at, 'inspect', 'out', '--json'))
  expect(secrets).toMatchObject([{ name: 'DB', suite: 'ML-KEM-1024' }])
  const policy = await ran(at, 'policy', 'runtime', 'out')
  expect(JSON.parse(policy)).toEqual(JSON.parse(await ran(at, 'policy', 'runtime')))
})
