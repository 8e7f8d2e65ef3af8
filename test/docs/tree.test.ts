import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('CONTRIBUTING.md names every source file', async () => {
  const text = await readFile(`${root}/CONTRIBUTING.md`, 'utf8')
  const folders = ['src', 'packages/runtime/src', 'packages/local-kms/src']
  const files = await Promise.all(
    folders.map((folder) => readdir(`${root}/${folder}`, { recursive: true, withFileTypes: true })),
  )
  const names = files
    .flat()
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
  expect(names.length).toBeGreaterThan(100)
  expect(
    names.filter(
      (name) => !new RegExp(`(?<![\\w-])${name.replace('.', '\\.')}(?![\\w-])`).test(text),
    ),
  ).toEqual([])
})
