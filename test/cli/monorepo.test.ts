import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { resolveOptions } from '../../src/options/resolve-options.js'
import { workspace, type Workspace } from './cli.js'

let kms: LocalKms
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
})
afterAll(() => kms.close())

/** Runs a command in a package of a monorepo. */
const inPackage = (space: Workspace, args: string[], stdin = '') =>
  space.cli(args, {
    stdin,
    env: kms.env,
    wrapper: ['sh', '-c', 'cd packages/api && exec "$@"', 'sh'],
  })

async function monorepo() {
  const space = await workspace({ 'packages/api/package.json': '{}' })
  execFileSync('git', ['init', '-q'], { cwd: space.folder, env: space.env })
  await space.cli(['init', '--key', key], { env: kms.env })
  return space
}

describe('a package of a monorepo', () => {
  it('uses the secrets file of the repository’s root in commands and builds', async () => {
    const space = await monorepo()
    expect(await inPackage(space, ['set', 'A'], 'value of a test')).toMatchObject({ code: 0 })
    expect((await space.cli(['list'])).stdout).toContain('A')
    const { secretsFile } = resolveOptions({}, space.path('packages/api'))
    expect(secretsFile).toEqual({ path: space.path('kms-secrets.json'), required: false })
  })

  it('gets its own secrets file only from init --file', async () => {
    const space = await monorepo()
    const { code, stderr } = await inPackage(space, ['init', '--key', key])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/exists already.*--file PATH/)])
    const own = await inPackage(space, ['init', '--key', key, '--file', 'kms-secrets.json'])
    expect(own.code).toBe(0)
    expect(existsSync(space.path('packages/api/kms-secrets.json'))).toBe(true)
    const { secretsFile } = resolveOptions({}, space.path('packages/api'))
    expect(secretsFile.path).toBe(space.path('packages/api/kms-secrets.json'))
  })

  it('uses the keys of local in the repository’s root', async () => {
    const space = await monorepo()
    await space.cli(['local', '--key', 'alias/a', '--', 'true'])
    const { stderr } = await inPackage(space, ['local', '--', 'true'])
    expect(stderr).toContain(`keys in ${space.path('.kms-local')}`)
  })

  it('does not search parent folders outside of a git repository', async () => {
    const space = await workspace({ 'packages/api/package.json': '{}' })
    await space.cli(['init', '--key', key], { env: kms.env })
    expect(resolveOptions({}, space.path('packages/api')).secretsFile.path).toBe(
      space.path('packages/api/kms-secrets.json'),
    )
  })
})

describe('init in a TypeScript project', () => {
  const typescript = join(
    fileURLToPath(new URL('../..', import.meta.url)),
    'node_modules/typescript',
  )

  async function warningOf(tsconfig: string) {
    const space = await workspace({
      'tsconfig.json': tsconfig,
      'src/a.ts': '',
      'node_modules/x': '',
    })
    await symlink(typescript, space.path('node_modules/typescript'))
    const { code, stderr } = await space.cli(['init', '--key', key], { env: kms.env })
    expect(code).toBe(0)
    return stderr
  }

  it('prints the change that makes tsconfig.json include the declaration of the names', async () => {
    expect(await warningOf('{ "include": ["src"] /* sources */ }')).toContain(
      'Change it to: "include": ["src","kms-secrets.d.ts"]',
    )
  })

  it('prints nothing if tsconfig.json includes it', async () => {
    expect(await warningOf('{}')).not.toContain('include')
  })
})
