import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const FOLDERS = ['src/', 'packages/runtime/src/', 'packages/local-kms/src/']

/** The paths that the tree names: a folder is the first word of its line, indented below its own. */
function named(tree: string): string[] {
  const above: { indent: number; path: string }[] = []
  return tree.split('\n').flatMap((line) => {
    const indent = line.search(/\S/)
    while (above.length && above.at(-1)!.indent >= indent) above.pop()
    const words = line.trim().split(/[\s,:]+/)
    const below = above.at(-1)?.path ?? ''
    const folder = words[0]!.endsWith('/') ? below + words[0] : below
    if (folder !== below) above.push({ indent, path: folder })
    return words.filter((word) => /^[\w-]+\.[cm]?[jt]s$/.test(word)).map((word) => folder + word)
  })
}

it('CONTRIBUTING.md lists exactly the source files', async () => {
  const text = await readFile(`${root}/CONTRIBUTING.md`, 'utf8')
  const [, tree] = /## The tree\n\n```\n([^]*?)\n```/.exec(text)!
  const paths = await Promise.all(
    FOLDERS.map(async (folder) => {
      const below = await readdir(root + folder, { recursive: true })
      return below.filter((path) => /\.[cm]?[jt]s$/.test(path)).map((path) => folder + path)
    }),
  )
  const files = paths.flat()
  expect(files.length).toBeGreaterThan(100)
  const sources = named(tree!).filter((path) => FOLDERS.some((folder) => path.startsWith(folder)))
  expect(sources.sort()).toEqual(files.sort())
})
