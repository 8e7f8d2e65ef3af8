import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { LocalKms } from '@unplugin-kms/local-kms'

const REPOSITORY = join(import.meta.dirname, '../..')

/**
 * A copy of a scenario's project with its packages installed, as a user has it: what its
 * package.json does not name is not there.
 */
export async function scenario(name: string) {
  const root = await mkdtemp(join(tmpdir(), `unplugin-kms-${name}-`))
  await cp(join(REPOSITORY, 'fixtures/scenarios', name), root, { recursive: true })
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
    dependencies: Record<string, string>
  }
  const modules = join(root, 'node_modules')
  for (const dependency of [...Object.keys(manifest.dependencies), '.bin']) {
    const path = join(modules, dependency)
    await mkdir(dirname(path), { recursive: true })
    const installed = join(REPOSITORY, 'node_modules', dependency)
    await symlink(dependency === 'unplugin-kms' ? REPOSITORY : installed, path)
  }
  return {
    root,
    /** `npm run build`, in this environment and no other. @returns the path of an output. */
    async build(env: Record<string, string>, output = 'dist/handler.mjs', script = 'build') {
      const PATH = [join(modules, '.bin'), process.env.PATH].join(delimiter)
      await promisify(execFile)('sh', ['-c', manifest.scripts[script]!], {
        cwd: root,
        env: { PATH, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', ...env },
      })
      return join(root, output)
    },
    remove: () => rm(root, { recursive: true, force: true }),
  }
}

export type Scenario = Awaited<ReturnType<typeof scenario>>

/** The environment of a function whose role has these policies. */
export function functionEnv(kms: LocalKms, name: string, ...statements: object[]) {
  const policies = statements.length ? [{ Version: '2012-10-17', Statement: statements }] : []
  const { arn } = kms.createRole({ name, policies })
  return { arn, env: kms.envFor(kms.credentialsOf(arn)) }
}
