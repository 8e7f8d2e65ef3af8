import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const OPTIONAL = ['iam', 'lambda', 'ec2', 'ssm', 'secrets-manager'].map(
  (name) => `@aws-sdk/client-${name}`,
)

let root: string

/** A project that has all packages but the optional AWS clients. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'unplugin-kms-optional-'))
  const modules = join(repository, 'node_modules')
  const names = (await readdir(modules)).filter((name) => !name.startsWith('.'))
  const packages = await Promise.all(
    names.map(async (name) =>
      name.startsWith('@')
        ? (await readdir(join(modules, name))).map((inner) => `${name}/${inner}`)
        : [name],
    ),
  )
  for (const name of packages.flat().filter((one) => !OPTIONAL.includes(one))) {
    const path = join(root, 'node_modules', name)
    await mkdir(dirname(path), { recursive: true })
    if (name !== 'unplugin-kms') await symlink(join(modules, name), path)
  }
  await cp(join(repository, 'dist'), join(root, 'node_modules/unplugin-kms/dist'), {
    recursive: true,
  })
  await cp(join(repository, 'package.json'), join(root, 'node_modules/unplugin-kms/package.json'))
  await writeFile(join(root, 'package-lock.json'), '{}')
})
afterAll(() => rm(root, { recursive: true, force: true }))

function cli(...args: string[]) {
  const program = join(root, 'node_modules/unplugin-kms/dist/cli/index.js')
  return new Promise<{ code: number; stderr: string }>((resolve) => {
    const options = {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: root, AWS_REGION: 'us-east-1' },
    }
    execFile(process.execPath, [program, ...args], options, (error, _, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stderr }),
    )
  })
}

const KEY = 'arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555'

describe('an AWS client that is not installed', () => {
  it.each([
    [`secret.ssm('/db', { decrypt: true })`, '@aws-sdk/client-ssm'],
    [`secret.secretsManager('db')`, '@aws-sdk/client-secrets-manager'],
  ])('fails a build with %s, with the command that installs it', async (mark, packageName) => {
    await writeFile(
      join(root, 'main.ts'),
      `import { secret } from 'unplugin-kms/secret'\nexport const a = ${mark}\n`,
    )
    const { code, stderr } = await cli('build', 'main.ts', '--outdir', 'out', '--key', KEY)
    expect(stderr).toContain('main.ts:2:18')
    expect(stderr).toContain(`npm install --save-dev ${packageName} [AWS_CLIENT_MISSING]`)
    expect(code).toBe(2)
  })

  it.each([
    [['--function', 'orders'], '@aws-sdk/client-lambda @aws-sdk/client-iam'],
    [['--role', 'arn:aws:iam::111122223333:role/orders'], '@aws-sdk/client-iam'],
  ])('fails doctor %s before it calls AWS', async (flags, packageNames) => {
    const { code, stderr } = await cli('doctor', '--key', KEY, ...flags)
    expect(stderr).toContain(`npm install --save-dev ${packageNames} [AWS_CLIENT_MISSING]`)
    expect(code).toBe(2)
  })
})
