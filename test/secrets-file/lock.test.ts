import { mkdir, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withLock } from '../../src/secrets-file/lock.js'
import { project } from '../support/project.js'

const fresh = async () => join(await project({}), 'kms-secrets.json')
const ONCE = 0

describe('the lock of a secrets file', () => {
  it('of another command fails after a timeout, before any work', async () => {
    const path = await fresh()
    const worked: string[] = []
    await withLock(path, async () => {
      await expect(withLock(path, async () => worked.push('second'), ONCE)).rejects.toThrow(
        /another unplugin-kms command is changing .* Nothing was changed here.*FILE_LOCKED/,
      )
      worked.push('first')
    })
    await withLock(path, async () => worked.push('third'), ONCE)
    expect(worked).toEqual(['first', 'third'])
  })

  it('of a command that was killed is taken over after it expires', async () => {
    const path = await fresh()
    await mkdir(`${path}.lock`)
    await expect(withLock(path, async () => 'done', ONCE)).rejects.toThrow('FILE_LOCKED')
    await utimes(`${path}.lock`, 0, 0)
    expect(await withLock(path, async () => 'done', ONCE)).toBe('done')
  })

  it('is released when the work fails', async () => {
    const path = await fresh()
    await expect(withLock(path, () => Promise.reject(new Error('failed')))).rejects.toThrow(
      'failed',
    )
    await expect(stat(`${path}.lock`)).rejects.toThrow('ENOENT')
  })
})
