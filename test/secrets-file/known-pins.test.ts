import { execFileSync } from 'node:child_process'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { publicKeyDigest } from '../../src/crypto/data-key-pair.js'
import { setSecret } from '../../src/index.js'
import { resolveOptions } from '../../src/options/resolve-options.js'
import { knownPinsPath } from '../../src/secrets-file/known-pins.js'
import { project, secretsFile } from '../support/project.js'

beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))
afterEach(() => void vi.unstubAllEnvs())

const fresh = async () => join(await project({}), 'kms-secrets.json')

describe('the pin of a secrets file', () => {
  it('is remembered when something is first sealed, in the state folder, for nobody else to read', async () => {
    const path = await fresh()
    const { publicKey } = await secretsFile(path, {})
    await setSecret('A', 'a', { secretsFile: path })
    expect(JSON.parse(await readFile(knownPinsPath(), 'utf8'))).toEqual({
      [path]: [publicKeyDigest(publicKey)],
    })
    expect((await stat(join(knownPinsPath(), '..'))).mode & 0o777).toBe(0o700)
  })

  it('changed, is refused with both pins and the commit that changed it, and the file stays as it was', async () => {
    const path = await fresh()
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=Mallory', '-c', 'user.email=m@m', ...args], {
        cwd: join(path, '..'),
        stdio: 'pipe',
      })
    git('init', '-q')
    const old = await secretsFile(path, {})
    git('add', '.')
    git('commit', '-qm', 'first')
    await setSecret('A', 'a', { secretsFile: path })
    await rm(path)
    const swapped = await secretsFile(path, {})
    git('commit', '-qam', 'a harmless rotation')
    const before = await readFile(path, 'utf8')
    const refusal = await setSecret('A', 'b', { secretsFile: path }).catch(
      (error: Error) => error.message,
    )
    expect(refusal).toContain(publicKeyDigest(old.publicKey))
    expect(refusal).toContain(publicKeyDigest(swapped.publicKey))
    expect(refusal).toMatch(/changed by: [0-9a-f]+, Mallory, \d{4}-\d\d-\d\d: a harmless rotation/)
    expect(await readFile(path, 'utf8')).toBe(before)
    await setSecret('A', 'b', { secretsFile: path, trust: true })
    await setSecret('A', 'c', { secretsFile: path })
  })

  it('is asked of UNPLUGIN_KMS_PIN instead, where that is set', async () => {
    const path = await fresh()
    await secretsFile(path, {})
    await setSecret('A', 'a', { secretsFile: path })
    await rm(path)
    const { publicKey } = await secretsFile(path, {})
    vi.stubEnv('UNPLUGIN_KMS_PIN', publicKeyDigest(publicKey))
    await setSecret('A', 'b', { secretsFile: path })
  })

  it('is that of the option where UNPLUGIN_KMS_PIN is empty, as CI leaves what it lacks', () => {
    const pin = `sha256:${'0'.repeat(64)}`
    for (const UNPLUGIN_KMS_PIN of ['', ' ', undefined])
      expect(resolveOptions({ pin }, '/', { UNPLUGIN_KMS_PIN }).pins).toEqual([pin])
  })

  it('is never guessed from a state file that is broken', async () => {
    const path = await fresh()
    await secretsFile(path, {})
    await setSecret('A', 'a', { secretsFile: path })
    const before = await readFile(path, 'utf8')
    await writeFile(knownPinsPath(), '{')
    await expect(setSecret('A', 'b', { secretsFile: path })).rejects.toThrow('is no JSON')
    await rm(knownPinsPath())
    await mkdir(knownPinsPath())
    await expect(setSecret('A', 'b', { secretsFile: path })).rejects.toThrow(
      'cannot be read (EISDIR)',
    )
    expect(await readFile(path, 'utf8')).toBe(before)
  })
})
