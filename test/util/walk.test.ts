import { mkdir, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { entersSources, filesBelow } from '../../src/util/walk.js'
import { project } from '../support/project.js'

const names = async (root: string, options = {}) =>
  (await filesBelow(root, options)).map((path) => relative(root, path))

describe('walkFiles', () => {
  it('yields the files of nested folders, sorted by name', async () => {
    const root = await project({ 'b.ts': '', 'a/c.ts': '', 'a/b/d.ts': '' })
    expect(await names(root)).toEqual(['a/b/d.ts', 'a/c.ts', 'b.ts'])
  })

  it('yields a file that is named itself', async () => {
    const root = await project({ 'b.ts': '' })
    expect(await filesBelow(join(root, 'b.ts'))).toEqual([join(root, 'b.ts')])
  })

  it('enters a folder once, however many links point to it', async () => {
    const root = await project({ 'a/c.ts': '' })
    await symlink('..', join(root, 'a/up'))
    await symlink('a', join(root, 'again'))
    expect(await names(root)).toEqual(['a/c.ts'])
  })

  it('reports links instead of following them if asked to', async () => {
    const root = await project({ 'a/c.ts': '' })
    await symlink('a', join(root, 'link'))
    const links: string[] = []
    expect(await names(root, { onLink: (path: string) => links.push(path) })).toEqual(['a/c.ts'])
    expect(links).toEqual([join(root, 'link')])
  })

  it('skips a link that points to nothing', async () => {
    const root = await project({ 'a.ts': '' })
    await symlink('missing', join(root, 'link'))
    expect(await names(root)).toEqual(['a.ts'])
  })

  it('does not enter the folders that are excluded', async () => {
    const root = await project({ 'a.ts': '', 'node_modules/b.ts': '', '.git/c.ts': '' })
    expect(await names(root, { enters: entersSources })).toEqual(['a.ts'])
  })

  it('fails with FILE_UNREADABLE if the path does not exist', async () => {
    const root = await project({})
    await mkdir(join(root, 'empty'))
    await expect(filesBelow(join(root, 'missing'))).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    })
  })
})
