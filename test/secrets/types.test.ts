import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { setSecret, unsetSecret } from '../../src/secrets/index.js'
import { declaration } from '../../src/secrets/types.js'
import { project, secretsFile } from '../support/project.js'

beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))

describe('the declaration of the names', () => {
  it('is kept up to date by the commands, where it is', async () => {
    const root = await project({ 'kms-secrets.d.ts': '' })
    const options = { secretsFile: join(root, 'kms-secrets.json') }
    await secretsFile(options.secretsFile, {})
    await setSecret('B "b"', 'b', options)
    await setSecret('A', 'a', options)
    expect(await readFile(join(root, 'kms-secrets.d.ts'), 'utf8')).toBe(declaration(['A', 'B "b"']))
    await unsetSecret('A', options)
    expect(await readFile(join(root, 'kms-secrets.d.ts'), 'utf8')).toBe(declaration(['B "b"']))
  })

  it('is not made again by who deleted it: that is the way to opt out', async () => {
    const root = await project({})
    const options = { secretsFile: join(root, 'kms-secrets.json') }
    await secretsFile(options.secretsFile, {})
    await setSecret('A', 'a', options)
    await rm(join(root, 'kms-secrets.d.ts'), { force: true })
    await setSecret('B', 'b', options)
    await expect(stat(join(root, 'kms-secrets.d.ts'))).rejects.toThrow('ENOENT')
  })
})
