import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { filesOf } from '../../fixtures/tools/page.mjs'
import { TOOLS } from '../../fixtures/tools/tools.mjs'

const root = join(import.meta.dirname, '../..')

it.each(TOOLS)(
  'the page of $name shows the files that are run',
  async ({ name, page, section }) => {
    const text = await readFile(join(root, 'docs', page), 'utf8')
    const shown = filesOf(
      section ? text.split(/^## /m).find((part) => part.startsWith(section))! : text,
    )
    expect(shown.length).toBeGreaterThan(0)
    for (const { path, content } of shown)
      expect(content.trimEnd(), path).toBe(
        (await readFile(join(root, 'fixtures/tools', name, path), 'utf8')).trimEnd(),
      )
  },
)
