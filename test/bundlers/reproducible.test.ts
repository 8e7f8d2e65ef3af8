import { copyFile, realpath } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { sealToText } from '../../src/crypto/seal.js'
import { shareOf } from '../support/combinations.js'
import { project } from '../support/project.js'
import { bench, filesIn, sha256, writeNamed, type Bench } from './fixture.js'
import { ABSENT, HOSTS, type HostName } from './hosts.js'

let shared: Bench
let secretsFile: string
let sources: Record<string, string>
beforeAll(async () => {
  shared = await bench()
  secretsFile = join(shared.folder, 'kms-secrets.json')
  await writeNamed(secretsFile, shared.pair, { DB_PASSWORD: 'an entry of the file' })
  const token = await sealToText(shared.pair, 'literal', Buffer.from('a sealed literal'))
  const mark = `import { secret } from 'unplugin-kms/secret'\n`
  const lazy = `export const lazy = async () => (await import('./lazy.js')).text\n`
  sources = {
    'sealed/main.ts': `${mark}export const named = secret.named('DB_PASSWORD')\n${lazy}`,
    'sealed/lazy.ts': `${mark}export const text = secret('${token}')\n`,
    'seeded/main.ts': `${mark}export const env = secret.env('KEY')\n${lazy}`,
    'seeded/lazy.ts': `${mark}export const text = secret('a plaintext literal')\n`,
  }
})
afterAll(() => shared.close())

/**
 * Builds in a new folder of this name, and returns the names and digests of the outputs. webpack and
 * Rspack name modules by the paths of their loaders too, which are equal inside a project, and here only
 * at equal depth.
 */
async function outputs(host: HostName, kind: 'sealed' | 'seeded', folder: string) {
  const root = await realpath(
    await project(
      Object.fromEntries(Object.entries(sources).map(([name, text]) => [join(folder, name), text])),
    ),
  )
  const at = join(root, folder)
  await copyFile(secretsFile, join(at, 'kms-secrets.json'))
  // Rollup's root is the working directory.
  const before = process.cwd()
  process.chdir(at)
  onTestFinished(() => process.chdir(before))
  const outdir = join(at, 'out')
  const { failed, terminal } = await HOSTS[host]({
    root: join(at, kind),
    entries: { main: 'main.ts' },
    outdir,
    format: 'esm',
    maps: 'file',
    minify: true,
    options: {
      secretsFile: join(at, 'kms-secrets.json'),
      manifest: join(outdir, 'kms-manifest.json'),
      // Where a process of its own builds, the seed travels with the values.
      env: {
        KEY: 'the value of a variable',
        UNPLUGIN_KMS_SEED: process.env.UNPLUGIN_KMS_SEED,
      },
      aws: shared.aws,
    },
  })
  process.chdir(before)
  expect(failed, terminal).toBe(false)
  const files = await filesIn(outdir)
  // Our own hosts write webpack's and Rspack's, with their times.
  const bundles = files.filter(([name]) => !name.endsWith('/stats.json'))
  return Object.fromEntries(
    bundles.map(([name, bytes]) => [relative(outdir, name), sha256(bytes)] as const).sort(),
  )
}

const NAMES = Object.keys(HOSTS) as HostName[]

describe.each(NAMES)('under %s', (host) => {
  const why = ABSENT[host]

  it.skipIf(why).each(shareOf(['sealed', 'seeded'] as const, NAMES.indexOf(host), 2))(
    'two builds of %s marks in two folders have equal names, bytes and maps',
    async (kind) => {
      if (kind === 'seeded') vi.stubEnv('UNPLUGIN_KMS_SEED', Buffer.alloc(32, 7).toString('base64'))
      onTestFinished(() => void vi.unstubAllEnvs())
      const first = await outputs(host, kind, 'here')
      expect(Object.keys(first).length).toBeGreaterThan(2)
      expect(await outputs(host, kind, 'elsewhere')).toEqual(first)
    },
  )
})

it('two builds of plaintexts without a seed differ', async () => {
  const first = await outputs('esbuild', 'seeded', 'here')
  expect(await outputs('esbuild', 'seeded', 'here')).not.toEqual(first)
})
