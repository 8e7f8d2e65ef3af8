import { build } from 'esbuild'
import { readFile, rm, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import kms from '../../src/bundlers/esbuild.js'
import { setSecret, unsetSecret } from '../../src/index.js'
import type { Options } from '../../src/options/types.js'
import { declaration } from '../../src/secrets-file/typings.js'
import { project, secretsFile } from '../support/project.js'

beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))

describe('the declaration of the names', () => {
  it('is updated by the commands, if it exists', async () => {
    const root = await project({ 'kms-secrets.d.ts': '' })
    const options = { secretsFile: join(root, 'kms-secrets.json') }
    await secretsFile(options.secretsFile, {})
    await setSecret('B "b"', 'b', options)
    await setSecret('A', 'a', options)
    expect(await readFile(join(root, 'kms-secrets.d.ts'), 'utf8')).toBe(declaration(['A', 'B "b"']))
    await unsetSecret('A', options)
    expect(await readFile(join(root, 'kms-secrets.d.ts'), 'utf8')).toBe(declaration(['B "b"']))
  })

  it('is not created again after it was deleted to opt out', async () => {
    const root = await project({})
    const options = { secretsFile: join(root, 'kms-secrets.json') }
    await secretsFile(options.secretsFile, {})
    await setSecret('A', 'a', options)
    await rm(join(root, 'kms-secrets.d.ts'), { force: true })
    await setSecret('B', 'b', options)
    await expect(stat(join(root, 'kms-secrets.d.ts'))).rejects.toThrow('ENOENT')
  })

  it('is updated by the plugin too, and not written if it is up to date', async () => {
    const { root, built } = await sealedProject({ 'kms-secrets.d.ts': '' })
    await built()
    const path = join(root, 'kms-secrets.d.ts')
    expect(await readFile(path, 'utf8')).toBe(declaration(['A']))
    const { ino, mtimeMs } = await stat(path)
    await built()
    expect(await stat(path)).toMatchObject({ ino, mtimeMs })
  })

  it('is not written with types: false, and never created by a build', async () => {
    const { root, built } = await sealedProject({ 'kms-secrets.d.ts': 'mine' })
    await built({ types: false })
    expect(await readFile(join(root, 'kms-secrets.d.ts'), 'utf8')).toBe('mine')
    await rm(join(root, 'kms-secrets.d.ts'))
    await built()
    await expect(stat(join(root, 'kms-secrets.d.ts'))).rejects.toThrow('ENOENT')
  })

  it.skipIf(process.platform !== 'linux')(
    'causes only a warning if it cannot be written (needs /proc)',
    async () => {
      const { root, built } = await sealedProject({})
      await symlink('/proc/version', join(root, 'kms-secrets.d.ts'))
      expect((await built()).warnings).toEqual([])
      const options = { secretsFile: join(root, 'kms-secrets.json') }
      const { warnings } = await setSecret('B', 'b', options)
      expect(warnings).toEqual([expect.stringMatching(/kms-secrets\.d\.ts cannot be written/)])
      expect(await readFile(options.secretsFile, 'utf8')).toContain('"B": "kms:v1:')
    },
  )
})

/** A project whose secrets file has an entry A, and its build. */
async function sealedProject(files: Record<string, string>) {
  const root = await project({
    'a.ts': "import { secret } from 'unplugin-kms/secret'\nexport const a = secret.named('A')\n",
    ...files,
  })
  const path = join(root, 'kms-secrets.json')
  await secretsFile(path, { A: 'a' })
  const built = (options: Options = {}) =>
    build({
      entryPoints: [join(root, 'a.ts')],
      outdir: join(root, 'out'),
      bundle: true,
      platform: 'node',
      logLevel: 'silent',
      plugins: [kms({ secretsFile: path, ...options })],
    })
  return { root, built }
}
